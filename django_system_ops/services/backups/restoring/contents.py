"""What a restored database holds, beside what the manifest says."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

from django_system_ops.services.backups.counting import applied_migrations, row_counts
from django_system_ops.services.backups.manifests import DatabasePart

__all__ = ["Contents", "contents_of", "differences"]


@dataclass(frozen=True)
class Contents:
    """
    What a database holds.

    Attributes:
        problems: what the database itself finds wrong.
    """

    rows: Mapping[str, int]
    migrations: Sequence[str]
    problems: Sequence[str] = ()


def contents_of(connection: BaseDatabaseWrapper, problems: Sequence[str] = ()) -> Contents:
    """Return what the database of a connection holds."""
    rows = row_counts(connection)
    return Contents(rows, applied_migrations(connection, rows), problems)


def differences(part: DatabasePart, found: Contents) -> Iterator[str]:
    """Yield what is not as the manifest says; nothing for a backup that restores."""
    yield from found.problems
    for table in sorted({*part.rows, *found.rows}):
        expected, there = part.rows.get(table), found.rows.get(table)
        if expected is None:
            yield f"Table {table} is there, and was not in the database."
        elif there is None:
            yield f"Table {table} is missing."
        elif part.vendor == "mysql":
            # The moment of the dump cannot be had, and between two counts rows come and go.
            few = min(expected, part.rows_after.get(table, expected))
            if few and not there:
                yield f"Table {table} is empty, and had at least {few} rows."
        elif there != expected:
            yield f"Table {table} has {there} rows, and had {expected}."
    if missing := sorted(set(part.migrations) - set(found.migrations)):
        yield f"Migrations are missing: {', '.join(missing)}."
    if extra := sorted(set(found.migrations) - set(part.migrations)):
        yield f"Migrations were not applied then: {', '.join(extra)}."
