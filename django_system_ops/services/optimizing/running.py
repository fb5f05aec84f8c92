"""The work on a database, one statement after the other."""

from collections.abc import Callable, Iterator

from django.db import connections

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.optimizing.findings import (
    Database,
    Done,
    Finding,
    Note,
    Step,
    Wishes,
)
from django_system_ops.services.optimizing.mariadb import MariaDB
from django_system_ops.services.optimizing.postgresql import PostgreSQL
from django_system_ops.services.optimizing.sqlite import SQLite
from django_system_ops.services.optimizing.tables import site_tables

__all__ = ["optimize"]

_DATABASES: dict[str, Callable[[str], Database]] = {
    "postgresql": PostgreSQL,
    "mysql": MariaDB,
    "sqlite": SQLite,
}


def optimize(
    wishes: Wishes,
    *,
    using: str,
    dry_run: bool = False,
    between: Callable[[], None] = lambda: None,
) -> Iterator[Done | Finding | Note]:
    """
    Do what was asked for, and yield each thing as soon as it is done or found.

    A step that fails, by a lock that did not come for example, is told and the next one runs.
    ``between`` is called before each step.

    Raises:
        WrongUsageError: a table that is named is not the site's.
        SystemOpsError: inside a transaction, or on a database of a kind that is not known.
    """
    connection = connections[using]
    if connection.vendor not in _DATABASES:
        raise SystemOpsError(f"optimize_database knows nothing of {connection.vendor}.")
    database = _DATABASES[connection.vendor](using)
    tables = site_tables(using, wishes.tables)
    steps: list[Step] = []
    for one in database.plan(wishes, tables):
        if isinstance(one, Note):
            yield one
        else:
            steps.append(one)
    if steps and not dry_run and connection.in_atomic_block:
        raise SystemOpsError(
            "optimize_database cannot work inside a transaction: it would hold each table until "
            "the end. Call it outside of atomic()."
        )
    with database.waiting(wishes.lock_timeout_seconds):
        for step in steps:
            between()
            if dry_run:
                yield Done(step)
            else:
                yield from database.run(step)
    if wishes.are_none and tables:
        yield from database.advice(wishes, tables)
    if wishes.slow_queries:
        yield from database.slow_queries(wishes)
    if wishes.orphans:
        yield from database.orphans(wishes, dry_run=dry_run)
