"""
What MariaDB and MySQL say about themselves.

Source: the manual, "Information Schema INNODB_TRX Table" and "SHOW REPLICA STATUS". The one asks
for the privilege PROCESS, the other for REPLICA MONITOR; who lacks it measures the rest. InnoDB
renews that table only when nobody has read it for a tenth of a second.
"""

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from django_system_ops.conf.performance import PerformanceSettings
from django_system_ops.engine.measuring import Measurement

__all__ = ["STATISTICS"]

_TRANSACTIONS = """
SELECT COALESCE(TIMESTAMPDIFF(SECOND, MIN(trx_started), NOW()), 0),
    COALESCE(SUM(trx_state = 'LOCK WAIT'), 0)
FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> CONNECTION_ID()
"""

# As MariaDB 10.5 and MySQL 8.0.22 spell it, and in the old spelling.
_LAG_COLUMNS = ("Seconds_Behind_Source", "Seconds_Behind_Master")


def sessions(connection: BaseDatabaseWrapper, _conf: PerformanceSettings) -> Iterator[Measurement]:
    """Yield connections."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.max_connections")
        (most,) = cursor.fetchone()
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        (_name, number) = cursor.fetchone()
    yield Measurement("database connections", int(number), "", int(most))


def transactions(
    connection: BaseDatabaseWrapper, conf: PerformanceSettings
) -> Iterator[Measurement]:
    """Yield the oldest transaction, and those that wait for locks."""
    with connection.cursor() as cursor:
        cursor.execute(_TRANSACTIONS)
        oldest_seconds, waiting = cursor.fetchone()
    yield Measurement(
        "database longest transaction", float(oldest_seconds), "s", conf.transaction_seconds
    )
    yield Measurement("database lock waits", int(waiting), "", conf.lock_waits)


def replication_lag(
    connection: BaseDatabaseWrapper, conf: PerformanceSettings
) -> Iterator[Measurement]:
    """Yield how far this replica is behind, where it is one."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW REPLICA STATUS")
        names = [column[0] for column in cursor.description or ()]
        row = dict(zip(names, cursor.fetchone() or (), strict=False))
    found = [row[name] for name in _LAG_COLUMNS if row.get(name) is not None]
    if found:
        limit = conf.replication_lag_seconds
        yield Measurement("database replication lag", float(found[0]), "s", limit)


STATISTICS = (sessions, transactions, replication_lag)
