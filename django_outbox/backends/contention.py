"""Two transactions that want the same rows: not waited for, and whether the database is there."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connections, transaction

__all__ = ["answers", "impatient_transaction"]

_IMPATIENT_MYSQL = """
SET @outbox_patience = @@innodb_lock_wait_timeout, SESSION innodb_lock_wait_timeout = 1
"""


def answers(using: str) -> bool:
    """Say whether the database is there, on a connection that is made anew where that is ours."""
    connection = connections[using]
    try:
        if not connection.in_atomic_block:
            connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True


@contextmanager
def impatient_transaction(using: str) -> Iterator[None]:
    """
    A transaction whose statements soon give up waiting for a lock, with a conflict.

    Inside a caller's transaction it is a savepoint, and waits as long as the caller would.
    """
    connection = connections[using]
    is_own = not connection.in_atomic_block and connection.get_autocommit()
    if is_own and connection.vendor == "mysql":
        with connection.cursor() as cursor:
            cursor.execute(_IMPATIENT_MYSQL)
    try:
        with transaction.atomic(using=using):
            if is_own and connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '200ms'")
            yield
    finally:
        if is_own and connection.vendor == "mysql":
            # A connection that broke meanwhile has nothing to be restored.
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SET SESSION innodb_lock_wait_timeout = @outbox_patience")
