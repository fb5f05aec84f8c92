"""The tables as the migrations make them: what is missing, or not valid."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections, models
from django.db.migrations.loader import MigrationLoader

from django_outbox.indexes import StatusIndex
from django_outbox.models import Inbox, OutboxAttempt, OutboxJob, OutboxWorker
from django_outbox.services.doctor.finding import Finding

__all__ = ["check_schema"]

_MODELS: Sequence[type[models.Model]] = (OutboxJob, OutboxAttempt, OutboxWorker, Inbox)

_INVALID = """
SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT indisvalid AND indrelid = to_regclass(%s)
"""


def check_schema(using: str) -> list[Finding]:
    """Compare tables, indexes and constraints with the models."""
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    missing = [model._meta.db_table for model in _MODELS if model._meta.db_table not in tables]
    if missing:
        return [
            Finding("table", f"Table {name!r} is missing: run 'manage.py migrate'.")
            for name in missing
        ]
    waiting = list(_migrations_to_apply(using))
    if waiting:
        names = ", ".join(waiting)
        return [
            Finding(
                "migration", f"Migrations wait ({names}): run 'manage.py migrate django_outbox'."
            )
        ]
    return [finding for model in _MODELS for finding in _check_table(using, model)]


def _migrations_to_apply(using: str) -> Iterator[str]:
    loader = MigrationLoader(connections[using])
    label = OutboxJob._meta.app_label
    known = {key for key in loader.disk_migrations if key[0] == label}
    for _, name in sorted(known - set(loader.applied_migrations)):
        yield name


def _check_table(using: str, model: type[models.Model]) -> Iterator[Finding]:
    connection = connections[using]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    has_partial_indexes = connection.features.supports_partial_indexes
    for name, columns in _expected(model, has_partial_indexes=bool(has_partial_indexes)):
        if name not in found:
            yield Finding(
                "index",
                f"Table {table!r} has no {name!r}: something took it away after the migrations. "
                f"Print its statement with 'manage.py sqlmigrate django_outbox', and run that.",
            )
            continue
        actual = [str(column) for column in found[name]["columns"]]
        if columns and actual != columns:
            yield Finding(
                "index",
                f"{name!r} of table {table!r} is over {', '.join(actual)} and should be over "
                f"{', '.join(columns)}: drop it, and run its statement of "
                "'manage.py sqlmigrate django_outbox'.",
            )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_INVALID, [table])
            for (name,) in cursor.fetchall():
                yield Finding(
                    "index",
                    f"Index {name!r} is not valid, so no statement uses it: a build was broken "
                    f'off. Run REINDEX INDEX CONCURRENTLY "{name}".',
                )


def _expected(
    model: type[models.Model], *, has_partial_indexes: bool
) -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each index and constraint with its columns; none for a check."""
    for index in model._meta.indexes:
        columns = [field.removeprefix("-") for field in index.fields]
        if isinstance(index, StatusIndex) and not has_partial_indexes:
            columns = ["status", *columns]
        yield index.name, columns
    for constraint in model._meta.constraints:
        yield constraint.name, _columns(constraint, has_partial_indexes=has_partial_indexes)


def _columns(constraint: Any, *, has_partial_indexes: bool) -> list[str]:
    if isinstance(constraint, models.UniqueConstraint):
        return list(constraint.fields)
    if isinstance(constraint, models.CheckConstraint):
        return []
    # One of django_outbox.indexes: a virtual column stands in for the key where need be.
    virtual = getattr(constraint, "MYSQL_COLUMN", constraint.key)
    return [constraint.group, constraint.key if has_partial_indexes else virtual]
