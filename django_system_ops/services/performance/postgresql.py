"""
What PostgreSQL says about itself.

Source: its manual, "The Cumulative Statistics System" and "Replication". Of sessions of others a
user who is no member of pg_read_all_stats sees that they are there, and not what they do.
"""

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper

from django_system_ops.conf.performance import PerformanceSettings
from django_system_ops.engine.measuring import Measurement

__all__ = ["STATISTICS"]

# The places that superusers keep for themselves are none for a site.
_SESSIONS = """
SELECT count(*),
    current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0),
    coalesce(max(extract(epoch FROM clock_timestamp() - xact_start))
        FILTER (WHERE pid <> pg_backend_pid()), 0),
    count(*) FILTER (WHERE wait_event_type = 'Lock')
FROM pg_stat_activity WHERE backend_type = 'client backend'
"""

# A replica that has replayed all that it has got lags behind nothing, however long ago that was.
# A primary knows its replicas' lags; without replicas there is no row, and nothing to tell.
_LAG = """
SELECT CASE WHEN NOT pg_is_in_recovery()
    THEN (SELECT max(extract(epoch FROM coalesce(replay_lag, interval '0')))
        FROM pg_stat_replication)
    WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
    ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END
"""


def sessions(connection: BaseDatabaseWrapper, conf: PerformanceSettings) -> Iterator[Measurement]:
    """Yield connections, the oldest transaction, and sessions that wait for locks."""
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS)
        number, most, oldest_seconds, waiting = cursor.fetchone()
    yield Measurement("database connections", number, "", most)
    yield Measurement(
        "database longest transaction", float(oldest_seconds), "s", conf.transaction_seconds
    )
    yield Measurement("database lock waits", waiting, "", conf.lock_waits)


def replication_lag(
    connection: BaseDatabaseWrapper, conf: PerformanceSettings
) -> Iterator[Measurement]:
    """Yield how far a replica is behind, where there is one."""
    with connection.cursor() as cursor:
        cursor.execute(_LAG)
        (seconds,) = cursor.fetchone()
    if seconds is not None:
        limit = conf.replication_lag_seconds
        yield Measurement("database replication lag", float(seconds), "s", limit)


STATISTICS = (sessions, replication_lag)
