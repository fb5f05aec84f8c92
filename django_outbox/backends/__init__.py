"""The two statements that differ between databases: storing a job and claiming some."""

from django.db import connections

from django_outbox.backends.base import NewJob, Store

__all__ = ["SUPPORTED_VENDORS", "NewJob", "Store", "store_for"]

SUPPORTED_VENDORS = ("postgresql", "sqlite", "mysql")


def store_for(alias: str) -> Store:
    """Return the store for the database ``alias``; ValueError for one that we do not know."""
    # Each module is imported on demand: a site has one database, or two.
    match connections[alias].vendor:
        case "postgresql":
            from django_outbox.backends.postgresql import PostgreSQLStore

            return PostgreSQLStore(alias)
        case "sqlite":
            from django_outbox.backends.sqlite import SQLiteStore

            return SQLiteStore(alias)
        case "mysql":
            from django_outbox.backends.mysql import MySQLStore

            return MySQLStore(alias)
        case vendor:
            raise ValueError(
                f"django_outbox works on {', '.join(SUPPORTED_VENDORS)}; the database {alias!r} "
                f"is {vendor!r}."
            )
