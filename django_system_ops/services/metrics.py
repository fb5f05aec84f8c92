"""Figures of the commands for Prometheus: how they last ended, and when they last succeeded."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max

from django_opskit.openmetrics import END, gauges
from django_system_ops.conf import get_conf
from django_system_ops.models import CommandRun
from django_system_ops.services.schedules import watched

__all__ = ["render"]

Status = CommandRun.Status

_ENDS = [one for one in Status if one not in (Status.PENDING, Status.RUNNING)]


def render(now: datetime, *, using: str) -> str:
    """Return the figures of all commands that have run, in five statements."""
    return "\n".join([*_lines(now, using), END]) + "\n"


def _lines(now: datetime, using: str) -> Iterator[str]:
    runs = CommandRun.objects.using(using)
    real = runs.over().filter(is_dry_run=False)
    newest = real.values("name").annotate(last=Max("id")).values("last")
    last = list(runs.filter(id__in=list(newest.values_list("last", flat=True))).order_by("name"))
    good = dict(runs.good().values_list("name").annotate(Max("finished_at")).order_by("name"))
    running = runs.filter(status=Status.RUNNING).values_list("name", flat=True)
    counts = {run.name: 0 for run in last}
    for name in running:
        counts[name] = counts.get(name, 0) + 1
    yield from gauges(
        "opskit_command_last_success_age_seconds",
        "How long ago the last run ended that did its work.",
        (
            ({"command": name}, f"{max(0.0, (now - ended).total_seconds()):.3f}")
            for name, ended in good.items()
            if ended is not None
        ),
        unit="seconds",
    )
    yield from gauges(
        "opskit_command_last_duration_seconds",
        "How long the last run took.",
        (
            ({"command": run.name}, f"{run.duration_seconds:.3f}")
            for run in last
            if run.duration_seconds is not None
        ),
        unit="seconds",
    )
    yield from gauges(
        "opskit_command_last_outcome",
        "1 for how the last run ended.",
        (
            ({"command": run.name, "outcome": one.value.lower()}, str(int(run.status == one)))
            for run in last
            for one in _ENDS
        ),
    )
    yield from gauges(
        "opskit_command_running",
        "How many runs are at work.",
        (({"command": name}, str(count)) for name, count in sorted(counts.items())),
    )
    if get_conf().schedule:
        yield from gauges(
            "opskit_schedule_overdue",
            "1 when the schedule has not succeeded in time.",
            (
                ({"schedule": one.name, "command": one.command}, str(int(one.is_overdue)))
                for one in watched(now, using=using)
            ),
        )
