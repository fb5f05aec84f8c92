"""The database as it was at one moment, for as long as the reading takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from django_opskit.clock import NOW_SQL

__all__ = ["one_moment"]


@contextmanager
def one_moment(using: str) -> Iterator[datetime]:
    """
    Let all reading in the block see the same moment, and give that moment.

    What is given is the server's clock right before: all that was committed by then is seen.
    Nothing can be written in the block, but on SQLite, where nobody may; writers are not kept
    waiting. In a transaction of the caller's own, that transaction decides what is seen.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        yield _clock(connection)
    elif connection.vendor == "sqlite":
        with _sqlite(connection) as moment:
            yield moment
    else:
        with _server(connection) as moment:
            yield moment


@contextmanager
def _server(connection: BaseDatabaseWrapper) -> Iterator[datetime]:
    is_postgresql = connection.vendor == "postgresql"
    level = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    with connection.cursor() as cursor:
        moment = _clock(connection)
        if not is_postgresql:
            cursor.execute(level)  # of the next transaction
        with transaction.atomic(using=connection.alias):
            if is_postgresql:
                cursor.execute(f"{level}, READ ONLY")
            else:
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            yield moment


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[datetime]:
    # By hand: atomic() takes the lock for writing where the site has transaction_mode IMMEDIATE,
    # and everybody else would wait until the export is done.
    with connection.cursor() as cursor:
        moment = _clock(connection)
        cursor.execute("BEGIN DEFERRED")
        try:
            cursor.execute("SELECT COUNT(*) FROM sqlite_master")  # here it begins to see
            cursor.fetchall()
            yield moment
        finally:
            cursor.execute("ROLLBACK")


def _clock(connection: BaseDatabaseWrapper) -> datetime:
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NOW_SQL[connection.vendor]}")
        (moment,) = cursor.fetchone()
    found: datetime = moment
    return found if found.tzinfo else found.replace(tzinfo=UTC)
