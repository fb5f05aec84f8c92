"""Saving a day: what is written, what is refused, what is asked of the outbox."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_outbox.models import OutboxJob
from tests.timetracker.factories import (
    NOON,
    TODAY,
    TOMORROW,
    EmployeeFactory,
    TaskFactory,
    TimeEntryFactory,
)
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
from timetracker.models import TimeEntry
from timetracker.services import SavedDay, save_day

pytestmark = pytest.mark.django_db


def day_of(employee, day=TODAY):
    return dict(
        TimeEntry.objects.filter(employee=employee, date=day).values_list(
            "task__external_id", "duration_minutes"
        )
    )


def changes():
    history = TimeEntry.history.order_by("history_id")
    return list(history.values_list("history_type", "duration_minutes", "history_date"))


def test_entries_become_the_whole_day(employee):
    stays, changes_, goes, comes = (TaskFactory(external_id=name) for name in "ABCD")
    for task in (stays, changes_, goes):
        TimeEntryFactory(employee=employee, task=task, duration_minutes=60)

    saved = save_day(employee, TODAY, [(stays, 60), (changes_, 90), (comes, 30)], now=NOON)

    assert day_of(employee) == {"A": 60, "B": 90, "D": 30}
    assert saved == SavedDay(
        employee_id=employee.pk,
        date=TODAY,
        total_minutes=180,
        added=1,
        changed=1,
        removed=1,
        unchanged=1,
    )


def test_history_tells_what_was_added_changed_and_removed(employee):
    first, second, third = TaskFactory.create_batch(3)
    save_day(employee, TODAY, [(first, 60), (second, 120)], now=NOON)
    later = NOON + timedelta(hours=1)

    save_day(employee, TODAY, [(second, 90), (third, 30)], now=later)

    assert changes() == [
        ("+", 60, NOON),
        ("+", 120, NOON),
        ("-", 60, later),
        ("~", 90, later),
        ("+", 30, later),
    ]


def test_unchanged_entries_are_not_written_again(employee):
    task = TaskFactory()
    save_day(employee, TODAY, [(task, 60)], now=NOON)
    before = TimeEntry.objects.get()

    saved = save_day(employee, TODAY, [(task, 60)], now=NOON)

    assert (saved.added, saved.changed, saved.removed, saved.unchanged) == (0, 0, 0, 1)
    assert TimeEntry.objects.get().pk == before.pk
    assert len(changes()) == 1


def test_empty_day_removes_every_entry(employee):
    TimeEntryFactory(employee=employee)

    saved = save_day(employee, TODAY, [], now=NOON)

    assert (saved.removed, saved.total_minutes) == (1, 0)
    assert day_of(employee) == {}


def test_other_days_and_other_employees_are_left_alone(employee):
    task = TaskFactory()
    other_day = TimeEntryFactory(employee=employee, task=task, date=TODAY - timedelta(days=1))
    other_employee = TimeEntryFactory(task=task)

    save_day(employee, TODAY, [], now=NOON)

    assert set(TimeEntry.objects.all()) == {other_day, other_employee}


def test_saved_day_asks_for_its_sums_in_the_same_transaction(employee):
    save_day(employee, TODAY, [(TaskFactory(), 60)], now=NOON)

    job = OutboxJob.objects.get()
    assert job.job_type == "TIMESHEET_DAY_SAVED"
    assert job.dedup_key == f"timesheet:day_saved:{employee.pk}:2026-11-20"
    assert job.payload == {"employee_id": employee.pk, "date": "2026-11-20"}


def test_callers_rollback_takes_entries_and_job_along(employee):
    with transaction.atomic():
        save_day(employee, TODAY, [(TaskFactory(), 60)], now=NOON)
        transaction.set_rollback(True)

    assert not TimeEntry.objects.exists()
    assert not OutboxJob.objects.exists()


def test_day_saved_twice_before_the_worker_comes_has_one_job(employee):
    task = TaskFactory()

    save_day(employee, TODAY, [(task, 60)], now=NOON)
    save_day(employee, TODAY, [(task, 90)], now=NOON)

    assert OutboxJob.objects.count() == 1


def test_day_saved_again_after_its_job_was_done_has_a_new_one(employee):
    save_day(employee, TODAY, [], now=NOON)
    OutboxJob.objects.update(status=OutboxJob.Status.COMPLETED, finished_at=NOON)

    save_day(employee, TODAY, [], now=NOON)

    assert OutboxJob.objects.filter(status=OutboxJob.Status.PENDING).count() == 1


def test_day_that_has_not_begun_is_refused(employee):
    with pytest.raises(FutureDateError, match=r"2026-11-21.*today is 2026-11-20"):
        save_day(employee, TOMORROW, [], now=NOON)


def test_today_is_the_sites_day_not_the_day_in_utc(employee, settings):
    settings.TIME_ZONE = "Europe/Warsaw"
    late_in_utc = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)

    save_day(employee, TOMORROW, [(TaskFactory(), 15)], now=late_in_utc)

    assert len(day_of(employee, TOMORROW)) == 1


def test_last_open_day_is_saved_and_the_day_before_it_refused(employee):
    last_open = TODAY - timedelta(days=31)

    save_day(employee, last_open, [], now=NOON)

    with pytest.raises(EditWindowError, match=r"from 2026-10-20 on are open"):
        save_day(employee, last_open - timedelta(days=1), [], now=NOON)


def test_edit_window_is_a_setting(employee, settings):
    settings.TIMETRACKER = {"EDIT_WINDOW_DAYS": 0}

    with pytest.raises(EditWindowError):
        save_day(employee, TODAY - timedelta(days=1), [], now=NOON)


@pytest.mark.parametrize("minutes", [-30, 0, 1441])
def test_duration_outside_a_day_is_refused(employee, minutes):
    task = TaskFactory(display_name="Plan A")

    with pytest.raises(DurationError, match=f"'Plan A'.*got {minutes}") as refusal:
        save_day(employee, TODAY, [(task, minutes)], now=NOON)

    assert (refusal.value.task_id, refusal.value.minutes) == (task.pk, minutes)


def test_task_that_stands_twice_is_refused(employee):
    task = TaskFactory()

    with pytest.raises(RepeatedTaskError, match="more than once"):
        save_day(employee, TODAY, [(task, 30), (task, 40)], now=NOON)


def test_day_of_exactly_24_hours_is_saved_and_a_minute_more_refused(employee):
    first, second = TaskFactory.create_batch(2)

    save_day(employee, TODAY, [(first, 1000), (second, 440)], now=NOON)

    with pytest.raises(DayTooLongError, match="1441 minutes"):
        save_day(employee, TODAY, [(first, 1000), (second, 441)], now=NOON)


def test_inactive_task_takes_no_new_time(employee):
    task = TaskFactory(is_active=False)

    with pytest.raises(InactiveTaskError):
        save_day(employee, TODAY, [(task, 30)], now=NOON)


def test_task_that_was_closed_a_moment_ago_takes_no_new_time(employee):
    stale = TaskFactory()
    type(stale).objects.update(is_active=False)

    with pytest.raises(InactiveTaskError):
        save_day(employee, TODAY, [(stale, 30)], now=NOON)


def test_time_on_a_closed_task_may_stay_or_go_but_not_change(employee):
    closed, open_ = TaskFactory(is_active=False), TaskFactory()
    TimeEntryFactory(employee=employee, task=closed, duration_minutes=60)

    save_day(employee, TODAY, [(closed, 60), (open_, 30)], now=NOON)

    with pytest.raises(InactiveTaskError):
        save_day(employee, TODAY, [(closed, 61)], now=NOON)
    save_day(employee, TODAY, [], now=NOON)
    assert day_of(employee) == {}


def test_inactive_employee_books_no_time():
    employee = EmployeeFactory(is_active=False)

    with pytest.raises(InactiveEmployeeError, match=employee.email):
        save_day(employee, TODAY, [], now=NOON)


def test_employee_deactivated_a_moment_ago_books_no_time(employee):
    type(employee).objects.update(is_active=False)

    with pytest.raises(InactiveEmployeeError):
        save_day(employee, TODAY, [], now=NOON)


def test_refused_day_leaves_nothing_behind(employee):
    task, closed = TaskFactory(external_id="A"), TaskFactory(is_active=False)
    TimeEntryFactory(employee=employee, task=task, duration_minutes=60)

    with pytest.raises(TimesheetError):
        save_day(employee, TODAY, [(task, 90), (closed, 30)], now=NOON)

    assert day_of(employee) == {"A": 60}
    assert not OutboxJob.objects.exists()


def test_number_of_queries_does_not_grow_with_the_entries(employee):
    def queries(day: date, count: int) -> int:
        """Save a day of `count` entries, then replace half of them and change the rest."""
        tasks = TaskFactory.create_batch(count + count // 2)
        save_day(employee, day, [(task, 10) for task in tasks[:count]], now=NOON)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            save_day(employee, day, [(task, 20) for task in tasks[count // 2 :]], now=NOON)
        return len(captured)

    assert queries(TODAY, 40) == queries(TODAY - timedelta(days=1), 4)
