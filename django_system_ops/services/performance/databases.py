"""How a database does: what SELECT 1 takes, and what its server says about itself."""

import logging
import time
from collections.abc import Callable, Iterator

from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.conf.performance import PerformanceSettings
from django_system_ops.engine.measuring import Measurement
from django_system_ops.services.performance import mariadb, postgresql, sqlite

__all__ = ["Database"]

logger = logging.getLogger(__name__)

_STATISTICS: dict[
    str, tuple[Callable[[BaseDatabaseWrapper, PerformanceSettings], Iterator[Measurement]], ...]
] = {
    "postgresql": postgresql.STATISTICS,
    "mysql": mariadb.STATISTICS,
    "sqlite": sqlite.STATISTICS,
}


class Database:
    """One alias, by a connection of its own, which is opened again after a failure."""

    name = "database"

    def __init__(self, alias: str, conf: PerformanceSettings) -> None:
        self._alias = alias
        self._conf = conf
        # Statistics that the server has refused once: it will not change its mind.
        self._refused: set[object] = set()

    def begin(self) -> None:
        """Take a connection for this thread."""
        connections[self._alias] = own_connection(self._alias)

    def measure(self) -> Iterator[Measurement]:
        """
        Yield the figures as they are now.

        Raises:
            DatabaseError: it does not answer.
        """
        connection = connections[self._alias]
        try:
            connection.ensure_connection()  # the log-in is not the answer's time
            yield self._latency(connection)
            for statistics in _STATISTICS.get(connection.vendor, ()):
                if statistics not in self._refused:
                    yield from self._allowed(connection, statistics)
        except BaseException:
            close_own(connection)
            raise

    def end(self) -> None:
        """Hang up."""
        close_own(connections[self._alias])

    def _latency(self, connection: BaseDatabaseWrapper) -> Measurement:
        # SQLite answers a bare SELECT 1 without a look at its file.
        sql = "SELECT 1 FROM sqlite_master" if connection.vendor == "sqlite" else "SELECT 1"
        begun = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(sql)
            cursor.fetchone()
        took_ms = (time.perf_counter() - begun) * 1000
        return Measurement("database latency", took_ms, "ms", self._conf.database_latency_ms)

    def _allowed(
        self,
        connection: BaseDatabaseWrapper,
        statistics: Callable[[BaseDatabaseWrapper, PerformanceSettings], Iterator[Measurement]],
    ) -> list[Measurement]:
        """Return what the server says, or nothing where this user may not know."""
        try:
            return list(statistics(connection, self._conf))
        except DatabaseError as error:
            # Away, or unwilling: the one fails at the next question too.
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            self._refused.add(statistics)
            logger.info("database=%s measures no %s: %s", self._alias, statistics.__name__, error)
            return []
