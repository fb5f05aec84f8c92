"""SQLite: the options without which web server and workers get in each other's way."""

from collections.abc import Iterator
from typing import Any

from django.db import connections

from django_outbox.services.doctor.finding import Finding

__all__ = ["check_server"]

_LEAST_PATIENCE_MS = 5_000


def check_server(using: str, old_seconds: float) -> list[Finding]:
    """Look at the journal, the patience and the kind of transaction; none of them has an age."""
    del old_seconds
    return list(_findings(using))


def _findings(using: str) -> Iterator[Finding]:
    journal = _pragma(using, "journal_mode")
    # In memory there is one process, and nobody to wait for.
    if journal not in ("wal", "memory"):
        yield Finding(
            "sqlite",
            f"Database {using!r} has journal_mode {journal}: readers and the writer wait for each "
            "other. Add 'init_command': 'PRAGMA journal_mode=WAL' to its OPTIONS.",
        )
    patience_ms = _pragma(using, "busy_timeout")
    if patience_ms < _LEAST_PATIENCE_MS:
        yield Finding(
            "sqlite",
            f"Database {using!r} waits {patience_ms} ms for another writer, and then fails with "
            "'database is locked'. Set 'timeout': 20 (seconds) in its OPTIONS.",
        )
    mode = getattr(connections[using], "transaction_mode", None)
    if mode not in ("IMMEDIATE", "EXCLUSIVE"):
        yield Finding(
            "sqlite",
            f"Database {using!r} has transaction_mode {mode or 'DEFERRED'}: a transaction that "
            "reads first and writes later fails without waiting when another one wrote in "
            "between. Set 'transaction_mode': 'IMMEDIATE' in its OPTIONS.",
        )


def _pragma(using: str, name: str) -> Any:
    with connections[using].cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]
