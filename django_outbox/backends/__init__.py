"""The two statements that differ between databases: storing a job and claiming some."""

from collections.abc import Callable
from functools import cache

from django.db import connections

from django_outbox.backends.base import NewJob, Store

__all__ = ["SUPPORTED_VENDORS", "NewJob", "Store", "store_for"]

SUPPORTED_VENDORS = ("postgresql", "sqlite", "mysql")


def store_for(alias: str) -> Store:
    """Return the store for the database ``alias``; ValueError for one that we do not know."""
    connection = connections[alias]
    try:
        return _store_class(connection.vendor)(alias)
    except LookupError:
        raise ValueError(
            f"django_outbox works on {', '.join(SUPPORTED_VENDORS)}; the database {alias!r} "
            f"is {connection.vendor!r}."
        ) from None


@cache
def _store_class(vendor: str) -> Callable[[str], Store]:
    # Each module is imported on demand: a site has one database, or two.
    match vendor:
        case "postgresql":
            from django_outbox.backends.postgresql import PostgreSQLStore

            return PostgreSQLStore
        case "sqlite":
            from django_outbox.backends.sqlite import SQLiteStore

            return SQLiteStore
        case "mysql":
            from django_outbox.backends.mysql import MySQLStore

            return MySQLStore
        case _:
            raise LookupError(vendor)
