"""PostgreSQL: LISTEN for news, a session's advisory lock as the sign of life."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from django_opskit.own_connections import own_connection
from django_outbox.backends.links.base import SETTLING_SECONDS, Interruptible

__all__ = ["CHANNEL", "PostgreSQLLink"]

#: What enqueuing notifies, with the queue as payload.
CHANNEL = "outbox_job"

# The first half of our advisory locks; the second is the hash of a worker's name, or 0 for the
# lock of the one that keeps watch. Advisory locks are per database.
_CLASS = 0x6F7862

_TAKE = f"SELECT pg_try_advisory_lock({_CLASS}, %s)"
_HASH = "SELECT hashtext(%s)"

# objid shows the hash without its sign.
_DEAD = f"""
SELECT name FROM outbox_worker
WHERE has_lock AND name <> %s
AND pg_postmaster_start_time() < clock_timestamp() - MAKE_INTERVAL(secs => %s)
AND NOT EXISTS (
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = {_CLASS} AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND objid::bigint = (hashtext(name)::bigint & 4294967295)
)
"""

_WATCH = 0


class PostgreSQLLink(Interruptible):
    """See :class:`~django_outbox.backends.links.base.Link`."""

    def __init__(self, worker: str, *, using: str, with_lock: bool, with_news: bool) -> None:
        super().__init__()
        self.worker = worker
        self.using = using
        self.with_lock = with_lock
        self.brings_news = with_news
        self._connection: BaseDatabaseWrapper | None = None
        self._is_watching = False

    def open(self) -> None:
        """Connect and listen."""
        self._connection = own_connection(self.using)
        self._is_watching = False
        if self.brings_news:
            self._execute(f"LISTEN {CHANNEL}")

    def take_lock(self) -> bool:
        """Take the lock that ends with the session."""
        return self.with_lock and bool(self._value(_TAKE, self._value(_HASH, self.worker)))

    def wait(self, seconds: float) -> bool:
        """Wait for a notification."""
        assert self._connection is not None
        raw: Any = self._connection.connection
        if raw is None:
            # Neither lock nor news are wanted, so that nothing has needed a session.
            self.wait_for(seconds)
            return False
        # What came along with the answer to a statement of ours was read with it.
        if _has_heard(raw):
            return True
        # Reading also notices a server that has hung up.
        return self.wait_for(seconds, raw.fileno()) and _has_heard(raw)

    def find_dead(self) -> set[str]:
        """Compare the workers that have a lock with the locks that are held."""
        if not self.with_lock:
            return set()
        if not self._is_watching:
            self._is_watching = bool(self._value(_TAKE, _WATCH))
        if not self._is_watching:
            return set()
        return {name for (name,) in self._execute(_DEAD, self.worker, SETTLING_SECONDS)}

    def close(self) -> None:
        """Hang up: the server frees the locks."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _value(self, sql: str, *parameters: Any) -> Any:
        return self._execute(sql, *parameters)[0][0]

    def _execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall()) if cursor.description else []


def _has_heard(raw: Any) -> bool:
    """Take the notifications that there are."""
    if hasattr(raw, "pgconn"):
        return bool(list(raw.notifies(timeout=0)))
    raw.poll()  # psycopg2
    heard, raw.notifies[:] = bool(raw.notifies), []
    return heard
