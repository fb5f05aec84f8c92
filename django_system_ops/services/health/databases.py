"""Databases: each alias answers, and has its migrations."""

import time
from collections.abc import Iterator
from functools import partial

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections
from django.db import Error as DatabaseError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import Finding, State
from django_system_ops.services.health.probes import CannotAskError, Probe, reason

__all__ = ["probes"]


def probes(_conf: HealthSettings) -> Iterator[Probe]:
    """Yield one for each alias."""
    for alias in connections:
        yield Probe("database", f"database:{alias}", partial(_ask, alias))


def _ask(alias: str, _seconds: float) -> Finding:
    connection = connections[alias]
    if connection.vendor == "unknown":  # django.db.backends.dummy: DATABASES is empty
        raise CannotAskError("DATABASES has none")
    connection.ensure_connection()  # what TCP, TLS and the log-in take is not the answer's time
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    latency_ms = (time.perf_counter() - begun) * 1000
    try:
        unapplied = _unapplied(alias)
    except (DatabaseError, ImproperlyConfigured) as error:
        # It answers, and what it has been asked next it would not tell.
        return Finding(
            State.WARN, f"answers; its migrations cannot be read: {reason(error)}", (), latency_ms
        )
    if unapplied:
        number = len(unapplied)
        what = "1 migration is" if number == 1 else f"{number} migrations are"
        return Finding(
            State.WARN, f"answers; {what} not applied", tuple(unapplied[:20]), latency_ms
        )
    return Finding(State.OK, f"answers ({connection.display_name})", (), latency_ms)


def _unapplied(alias: str) -> list[str]:
    """Return the migrations that are still to run, as ``app.name``."""
    connection = connections[alias]
    if alias != DEFAULT_DB_ALIAS and not MigrationRecorder(connection).has_table():
        return []  # somebody else's database: Django has never migrated it
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]
