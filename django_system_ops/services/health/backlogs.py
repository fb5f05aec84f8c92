"""Queues: how many wait in each, by a callable that knows."""

from collections.abc import Iterator
from functools import partial

from django.utils.module_loading import import_string

from django_system_ops.conf.health import BacklogSettings, HealthSettings
from django_system_ops.engine.findings import Finding, queue_length
from django_system_ops.services.health.probes import Probe

__all__ = ["probes"]


def probes(conf: HealthSettings) -> Iterator[Probe]:
    """Yield one for each queue of the settings."""
    if not conf.backlog:
        yield Probe.skipped("backlog", "health.backlog names none")
    for name, queue in conf.backlog.items():
        yield Probe("backlog", f"backlog:{name}", partial(_ask, queue))


def _ask(queue: BacklogSettings, _seconds: float) -> Finding:
    # Imported here and not before: an import that hangs is this check's own.
    return queue_length(import_string(queue.callable)(), warn=queue.warn, fail=queue.fail)
