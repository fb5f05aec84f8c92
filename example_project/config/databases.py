"""The two ways to name the site's database. Which one, the environment says."""

import os
from pathlib import Path
from typing import Any

__all__ = ["database", "postgresql", "sqlite"]


def database(default_path: Path) -> dict[str, Any]:
    """
    Return the database that the environment names.

    ``DJANGO_POSTGRES_SERVICE`` is a section of libpq's ``pg_service.conf``, so that host and
    password stay where psql looks for them too. Without it ``DJANGO_DB_PATH`` is the SQLite
    file, ``default_path`` if that is empty as well.
    """
    if service := os.environ.get("DJANGO_POSTGRES_SERVICE"):
        return postgresql(service)
    return sqlite(os.environ.get("DJANGO_DB_PATH") or default_path)


def postgresql(service: str) -> dict[str, Any]:
    """Return a PostgreSQL database, reached as libpq's service file says."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"service": service},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def sqlite(path: Path | str) -> dict[str, Any]:
    """Return an SQLite database that web server and workers can write to at the same time."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # WAL: readers do not wait for the writer, nor the writer for them.
            # NORMAL: in WAL mode a power cut can lose the last commits, never the file. FULL
            # would wait for the disk at every commit.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            # There is one writer at a time. A transaction that starts by reading cannot wait
            # for its turn later: SQLite refuses at once with "database is locked", whatever
            # the timeout. IMMEDIATE takes the turn at BEGIN, where waiting is possible.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,  # seconds
        },
    }
