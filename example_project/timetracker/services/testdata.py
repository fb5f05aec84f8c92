"""Test data: an account that can log in, its employee, tasks, and three days of work."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from timetracker.conf import get_conf
from timetracker.exceptions import TestDataForbiddenError, TimesheetError
from timetracker.models import Employee, TaskCache, TimeEntry
from timetracker.services.days import save_day

__all__ = ["TEST_EMAIL", "TEST_PASSWORD", "SeededData", "seed_testdata"]

TEST_EMAIL = "test@example.com"
# Published, which is why the service refuses to run on a production site.
TEST_PASSWORD = "testpass123"  # noqa: S105

_TASKS = 5
_DAYS = 3


@dataclass(frozen=True)
class SeededData:
    """What was created: the model's name and the row's, in the order of creation."""

    created: tuple[tuple[str, str], ...]


@transaction.atomic
def seed_testdata(*, now: datetime, dry_run: bool = False) -> SeededData:
    """
    Create what is missing of the test data; what exists stays as it is.

    Args:
        now: an aware datetime; the entries are for its day and the two before.
        dry_run: find out what would be created, and create nothing.

    Raises:
        TestDataForbiddenError: this is a production site.
    """
    if not get_conf().test_data_allowed:
        raise TestDataForbiddenError
    created: list[tuple[str, str]] = []
    employee = _employee(created)
    tasks = [_task(number, created) for number in range(1, _TASKS + 1)]
    for days_ago in range(_DAYS):
        _book(employee, tasks[:2], days_ago, created, now=now)
    if dry_run:
        transaction.set_rollback(True)
    return SeededData(tuple(created))


def _employee(created: list[tuple[str, str]]) -> Employee:
    accounts = get_user_model()._default_manager
    user, is_new = accounts.get_or_create(username=TEST_EMAIL, defaults={"email": TEST_EMAIL})
    if is_new:
        user.set_password(TEST_PASSWORD)
        user.save(update_fields=["password"])
        created.append(("User", TEST_EMAIL))
    employee, is_new = Employee.objects.get_or_create(
        user=user, defaults={"email": TEST_EMAIL, "is_active": True, "daily_norm_minutes": 480}
    )
    if is_new:
        created.append(("Employee", employee.email))
    return employee


def _task(number: int, created: list[tuple[str, str]]) -> TaskCache:
    task, is_new = TaskCache.objects.get_or_create(
        external_id=f"TEST-{number}",
        defaults={
            "display_name": gettext("Task %(number)d") % {"number": number},
            "project_phase": gettext("Phase %(number)d") % {"number": 1 + (number - 1) % 2},
            "department": "IT" if number % 2 else "Development",
            "discipline": "Backend",
            "is_active": True,
        },
    )
    if is_new:
        created.append(("TaskCache", task.display_name))
    return task


def _book(
    employee: Employee,
    tasks: list[TaskCache],
    days_ago: int,
    created: list[tuple[str, str]],
    *,
    now: datetime,
) -> None:
    """Book what the day lacks of ``tasks``, between 200 and 260 minutes on each."""
    day = timezone.localdate(now) - timedelta(days=days_ago)
    standing = TimeEntry.objects.filter(employee=employee, date=day).select_related("task")
    entries = [(entry.task, entry.duration_minutes) for entry in standing]
    booked = {task.pk for task, _ in entries}
    missing = [
        (task, 200 + 20 * (days_ago + place))
        for place, task in enumerate(tasks)
        if task.pk not in booked
    ]
    if not missing:
        return
    try:
        save_day(employee, day, [*entries, *missing], now=now)
    except TimesheetError:
        # Somebody worked with the test data: the day is full or a task is closed. What exists
        # is not overwritten, so the day stays as it is.
        return
    created.extend(
        ("TimeEntry", f"{day.isoformat()} {task}, {minutes} min") for task, minutes in missing
    )
