"""MariaDB and MySQL: GET_LOCK as the sign of life; nobody tells of new jobs."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from django_opskit.own_connections import own_connection
from django_outbox.backends.links.base import SETTLING_SECONDS, Interruptible

__all__ = ["MySQLLink"]

# Locks are the server's, not the database's, and their names have at most 64 characters.
_LOCK_NAME = "CONCAT('outbox:', SHA1(CONCAT(DATABASE(), ':', {name})))"

_TAKE = f"SELECT GET_LOCK({_LOCK_NAME.format(name='%s')}, 0)"

_UPTIME = "SHOW GLOBAL STATUS LIKE 'Uptime'"

_DEAD = f"""
SELECT name FROM outbox_worker
WHERE has_lock AND name <> %s AND IS_FREE_LOCK({_LOCK_NAME.format(name="name")}) = 1
"""

# No worker has this name: theirs hold a colon.
_WATCH = "watch"


class MySQLLink(Interruptible):
    """See :class:`~django_outbox.backends.links.base.Link`."""

    brings_news = False

    def __init__(self, worker: str, *, using: str, with_lock: bool, with_news: bool) -> None:
        super().__init__()
        self.worker = worker
        self.using = using
        self.with_lock = with_lock
        self._connection: BaseDatabaseWrapper | None = None
        self._is_watching = False
        self._server_has_settled = False

    def open(self) -> None:
        """Connect."""
        self._connection = own_connection(self.using)
        self._is_watching = self._server_has_settled = False

    def take_lock(self) -> bool:
        """Take the lock that ends with the session."""
        return self.with_lock and self._take(self.worker)

    def wait(self, seconds: float) -> bool:
        """Let the time pass: this server tells nobody anything."""
        self.wait_for(seconds)
        return False

    def find_dead(self) -> set[str]:
        """Ask for each worker's lock."""
        if not self.with_lock:
            return set()
        if not self._is_watching:
            self._is_watching = self._take(_WATCH)
        if not self._is_watching:
            return set()
        if not self._server_has_settled:
            self._server_has_settled = int(self._execute(_UPTIME)[0][1]) > SETTLING_SECONDS
        if not self._server_has_settled:
            return set()
        return {name for (name,) in self._execute(_DEAD, self.worker)}

    def close(self) -> None:
        """Hang up: the server frees the locks."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _take(self, name: str) -> bool:
        return bool(self._execute(_TAKE, name)[0][0] == 1)

    def _execute(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        assert self._connection is not None
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())
