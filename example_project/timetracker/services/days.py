"""Saving a day: all of its entries at once, by the rules, or not at all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from django_outbox.dispatcher import enqueue
from timetracker.conf import get_conf
from timetracker.exceptions import (
    DayTooLongError,
    DurationError,
    EditWindowError,
    FutureDateError,
    InactiveEmployeeError,
    InactiveTaskError,
    RepeatedTaskError,
    TimesheetError,
)
from timetracker.models import Employee, TaskCache, TimeEntry
from timetracker.models.time_entry import MINUTES_PER_DAY

__all__ = ["DAY_SAVED", "SavedDay", "day_key", "save_day", "why_closed"]

#: The outbox job that follows every saved day.
DAY_SAVED = "TIMESHEET_DAY_SAVED"


@dataclass(frozen=True)
class SavedDay:
    """What saving a day came to: its minutes, and how many entries were touched how."""

    employee_id: int
    date: date
    total_minutes: int
    added: int
    changed: int
    removed: int
    unchanged: int


@dataclass(frozen=True)
class _Changes:
    """The entries to write; those that are the same already are in none of the lists."""

    added: list[TimeEntry]
    changed: list[TimeEntry]
    removed: list[TimeEntry]


def day_key(employee_id: int, day: date) -> str:
    """Return the dedup key of a day's job: one waits at a time, however often it is saved."""
    return f"timesheet:day_saved:{employee_id}:{day.isoformat()}"


def why_closed(employee: Employee, day: date, *, now: datetime) -> TimesheetError | None:
    """Return the rule that keeps the employee's day from being changed, if one does."""
    today = timezone.localdate(now)
    first_open = today - timedelta(days=get_conf().EDIT_WINDOW_DAYS)
    if not employee.is_active:
        return InactiveEmployeeError(employee.email)
    if day > today:
        return FutureDateError(day, today=today)
    if day < first_open:
        return EditWindowError(day, first_open=first_open)
    return None


@transaction.atomic
def save_day(
    employee: Employee, date: date, entries: Sequence[tuple[TaskCache, int]], *, now: datetime
) -> SavedDay:
    """
    Make ``entries`` the whole of the employee's day, and ask for its sums to be computed.

    Entries that stand already are not written again; the day's job is enqueued all the same,
    so saving a day once more repairs sums that went wrong.

    Args:
        employee: whose day it is.
        date: the day, in the site's time zone.
        entries: each task with its minutes; empty clears the day.
        now: an aware datetime.

    Raises:
        TimesheetError: one of its children, for the first rule that is broken. Nothing is saved.
    """
    _check_entries(date, entries)
    # Two saves of one day at once would both see the old entries, and together could break the
    # rules of the day. The row of the employee decides who comes second.
    locked = Employee.objects.select_for_update().get(pk=employee.pk)
    if closed := why_closed(locked, date, now=now):
        raise closed

    changes = _changes(locked, date, entries)
    _check_tasks_active([*changes.added, *changes.changed])

    TimeEntry.objects.remove(changes.removed, now=now)
    TimeEntry.objects.change(changes.changed, now=now)
    TimeEntry.objects.add(changes.added, now=now)
    enqueue(
        DAY_SAVED,
        day_key(locked.pk, date),
        {"employee_id": locked.pk, "date": date.isoformat()},
    )
    return SavedDay(
        employee_id=locked.pk,
        date=date,
        total_minutes=sum(minutes for _, minutes in entries),
        added=len(changes.added),
        changed=len(changes.changed),
        removed=len(changes.removed),
        unchanged=len(entries) - len(changes.added) - len(changes.changed),
    )


def _changes(employee: Employee, day: date, entries: Sequence[tuple[TaskCache, int]]) -> _Changes:
    """Return what makes the day's standing entries into ``entries``."""
    wanted = {task.pk: minutes for task, minutes in entries}
    standing = {e.task_id: e for e in TimeEntry.objects.filter(employee=employee, date=day)}
    changed = [
        standing[pk]
        for pk, minutes in wanted.items()
        if pk in standing and standing[pk].duration_minutes != minutes
    ]
    for entry in changed:
        entry.duration_minutes = wanted[entry.task_id]
    return _Changes(
        added=[
            TimeEntry(employee=employee, task=task, date=day, duration_minutes=minutes)
            for task, minutes in entries
            if task.pk not in standing
        ],
        changed=changed,
        removed=[entry for pk, entry in standing.items() if pk not in wanted],
    )


def _check_entries(day: date, entries: Sequence[tuple[TaskCache, int]]) -> None:
    """Raise for what the entries themselves get wrong, whatever is stored."""
    times = Counter(task.pk for task, _ in entries)
    for task, minutes in entries:
        if not 1 <= minutes <= MINUTES_PER_DAY:
            raise DurationError(task.pk, task.display_name, minutes=minutes)
        if times[task.pk] > 1:
            raise RepeatedTaskError(task.pk, task.display_name)
    total_minutes = sum(minutes for _, minutes in entries)
    if total_minutes > MINUTES_PER_DAY:
        raise DayTooLongError(day, total_minutes=total_minutes)


def _check_tasks_active(entries: Sequence[TimeEntry]) -> None:
    """Raise when an entry that is about to be written stands on an inactive task."""
    # Asked anew: the caller's tasks may be as old as the page that showed them.
    closed = TaskCache.objects.filter(pk__in=[e.task_id for e in entries], is_active=False)
    if task := closed.order_by("pk").first():
        raise InactiveTaskError(task.pk, task.display_name)
