"""A worker's own line to its database: it lives, it hears of new jobs, it sees who has died."""

from django.db import connections

from django_outbox.backends.links.base import Link

__all__ = ["Link", "link_for"]


def link_for(worker: str, *, using: str, with_lock: bool, with_news: bool) -> Link:
    """
    Return the link of ``worker`` to the database ``using``, not open yet.

    ``with_lock``: hold a lock while the worker lives, and look for workers that lost theirs.
    ``with_news``: be told of new jobs, where the database can.
    """
    # Each module is imported on demand: a site has one database, or two.
    match connections[using].vendor:
        case "postgresql":
            from django_outbox.backends.links.postgresql import PostgreSQLLink

            return PostgreSQLLink(worker, using=using, with_lock=with_lock, with_news=with_news)
        case "sqlite":
            from django_outbox.backends.links.sqlite import SQLiteLink

            return SQLiteLink(worker, using=using, with_lock=with_lock, with_news=with_news)
        case _:
            from django_outbox.backends.links.mysql import MySQLLink

            return MySQLLink(worker, using=using, with_lock=with_lock, with_news=with_news)
