"""
A dead man's switch: who should have run by now, and has not succeeded.

A schedule is overdue when it was due, its grace is over, and no run of it has succeeded since.
Nobody has to report a failure for that: silence is enough. Times before the schedule was first
looked at do not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q
from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.conf.schedule import ScheduledCommand
from django_system_ops.models import CommandRun, ScheduleState
from django_system_ops.services.known_commands import is_recordable
from django_system_ops.services.notifying import notify

__all__ = ["Watched", "tell_overdue", "watched"]

# Clocks of two machines differ, and a run begins a little after the minute or before it.
_EARLY = timedelta(minutes=1)


@dataclass(frozen=True)
class Watched:
    """
    A schedule as it stands.

    Attributes:
        due_at: when it was last due.
        succeeded_at: when its last good run began; None when there was none.
        is_overdue: it was due, and has not succeeded within its grace.
    """

    name: str
    command: str
    due_at: datetime
    succeeded_at: datetime | None
    is_overdue: bool

    @property
    def sentence(self) -> str:
        """Say how it stands."""
        due = timezone.localtime(self.due_at)
        since = (
            "it has never succeeded"
            if self.succeeded_at is None
            else f"its last success began {timezone.localtime(self.succeeded_at):%Y-%m-%d %H:%M}"
        )
        word = "is overdue" if self.is_overdue else "is as it should be"
        return f"{self.name} ({self.command}) {word}: due {due:%Y-%m-%d %H:%M}, {since}."


def watched(now: datetime, *, using: str) -> list[Watched]:
    """Return all schedules of the setting."""
    schedule = get_conf().schedule
    since = _watched_since(schedule, now, using)
    good = (
        CommandRun.objects.using(using)
        .good()
        .filter(Q(schedule__in=schedule))
        .values_list("schedule", "name")
        .annotate(last=Max("started_at"))
    )
    last = {(name, command): moment for name, command, moment in good}
    return [
        _watched(name, scheduled, now, since[name], last.get((name, scheduled.command)))
        for name, scheduled in schedule.items()
        # Others leave no trace of their runs; the system check says so.
        if is_recordable(scheduled.command)
    ]


def tell_overdue(now: datetime, *, using: str) -> list[Watched]:
    """Tell of those that are overdue, once for each time that they were due; return all."""
    found = watched(now, using=using)
    rows = ScheduleState.objects.using(using)
    for one in found:
        row = rows.filter(name=one.name)
        if one.is_overdue:
            # One statement: two at once tell once.
            not_told = row.filter(Q(told_of=None) | Q(told_of__lt=one.due_at))
            if not_told.update(told_of=one.due_at):
                notify(f"{one.name} is overdue", one.sentence, facts={"schedule": one.name})
        elif row.filter(told_of__isnull=False).update(told_of=None):
            notify(f"{one.name} works again", one.sentence, facts={"schedule": one.name})
    return found


def _watched(
    name: str,
    scheduled: ScheduledCommand,
    now: datetime,
    since: datetime,
    succeeded_at: datetime | None,
) -> Watched:
    grace = timedelta(minutes=scheduled.alert_after_minutes)
    # Within the grace of the last time, it is the one before that has to be there.
    due_at = scheduled.time.last_before((now - grace).astimezone(get_conf().schedule_zone))
    has_succeeded = succeeded_at is not None and succeeded_at >= due_at - _EARLY
    return Watched(
        name=name,
        command=scheduled.command,
        due_at=due_at,
        succeeded_at=succeeded_at,
        is_overdue=not has_succeeded and due_at >= since,
    )


def _watched_since(
    schedule: Mapping[str, ScheduledCommand], now: datetime, using: str
) -> dict[str, datetime]:
    rows = ScheduleState.objects.using(using)
    known = dict(rows.values_list("name", "watched_since"))
    new = [ScheduleState(name=name, watched_since=now) for name in schedule if name not in known]
    if new:
        rows.bulk_create(new, ignore_conflicts=True)
    return {name: known.get(name, now) for name in schedule}
