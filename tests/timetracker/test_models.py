"""What the database itself refuses and computes."""

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import ProtectedError

from tests.timetracker.factories import (
    NOON,
    TODAY,
    EmployeeFactory,
    TaskFactory,
    TimeEntryFactory,
)
from timetracker.models import DaySummary, Employee, SyncRun, TaskCache, TaskSource, TimeEntry

pytestmark = pytest.mark.django_db


def test_hours_are_right_for_every_possible_duration(employee):
    task = TaskFactory()
    TimeEntry.objects.bulk_create(
        TimeEntry(
            employee=employee,
            task=task,
            date=TODAY + timedelta(days=minutes),
            duration_minutes=minutes,
        )
        for minutes in range(1, 1441)
    )

    computed = dict(TimeEntry.objects.values_list("duration_minutes", "hours_decimal"))

    cent = Decimal("0.01")
    assert computed == {
        minutes: (Decimal(minutes) / 60).quantize(cent, ROUND_HALF_UP) for minutes in range(1, 1441)
    }
    assert all(isinstance(hours, Decimal) for hours in computed.values())


def test_hours_follow_a_changed_duration():
    entry = TimeEntryFactory(duration_minutes=60)

    TimeEntry.objects.filter(pk=entry.pk).update(duration_minutes=95)

    entry.refresh_from_db()
    assert entry.hours_decimal == Decimal("1.58")


@pytest.mark.parametrize("minutes", [0, 1441])
def test_duration_outside_a_day_is_refused(employee, minutes):
    with pytest.raises(DatabaseError), transaction.atomic():
        TimeEntryFactory(employee=employee, duration_minutes=minutes)


def test_task_stands_once_in_a_day():
    entry = TimeEntryFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        TimeEntryFactory(employee=entry.employee, task=entry.task, date=entry.date)


def test_norm_longer_than_a_day_is_refused():
    with pytest.raises(DatabaseError), transaction.atomic():
        EmployeeFactory(daily_norm_minutes=1441)


def test_external_ids_that_differ_in_case_are_two_tasks():
    TaskFactory(external_id="A-1")

    TaskFactory(external_id="a-1")

    assert TaskCache.objects.filter(external_id="a-1").count() == 1


def test_task_without_an_external_id_is_refused():
    with pytest.raises(DatabaseError), transaction.atomic():
        TaskFactory(external_id="")


def test_booked_time_keeps_its_task_and_its_employee():
    entry = TimeEntryFactory()

    with pytest.raises(ProtectedError):
        entry.task.delete()
    with pytest.raises(ProtectedError):
        entry.employee.user.delete()


def test_account_goes_with_its_employee_once_the_time_is_gone():
    entry = TimeEntryFactory()
    DaySummary.objects.create(
        employee=entry.employee,
        date=TODAY,
        total_minutes=60,
        norm_minutes=480,
        entries_count=1,
        computed_at=NOON,
    )
    TimeEntry.objects.all().delete()

    entry.employee.user.delete()

    assert not Employee.objects.exists()
    assert not DaySummary.objects.exists()


@pytest.mark.parametrize(("total", "balance"), [(0, -480), (480, 0), (1440, 960)])
def test_balance_is_computed_by_the_database(employee, total, balance):
    summary = DaySummary.objects.create(
        employee=employee,
        date=TODAY,
        total_minutes=total,
        norm_minutes=480,
        entries_count=1,
        computed_at=NOON,
    )

    summary.refresh_from_db()
    assert summary.balance_minutes == balance


def test_summary_of_more_than_a_day_is_refused(employee):
    with pytest.raises(DatabaseError), transaction.atomic():
        DaySummary.objects.create(
            employee=employee,
            date=TODAY,
            total_minutes=1441,
            norm_minutes=480,
            entries_count=1,
            computed_at=NOON,
        )


def test_source_is_known_once():
    TaskSource.objects.create(url="https://plan.example.com/tasks/")

    with pytest.raises(IntegrityError), transaction.atomic():
        TaskSource.objects.create(url="https://plan.example.com/tasks/")


@pytest.mark.parametrize(
    "values",
    [
        {"outcome": "running", "finished_at": NOON},
        {"outcome": "succeeded", "finished_at": None},
        {"outcome": "lost", "finished_at": NOON},
        {"mode": "partial", "outcome": "failed", "finished_at": NOON},
    ],
)
def test_synchronisation_with_an_impossible_end_is_refused(values):
    source = TaskSource.objects.create(url="https://plan.example.com/tasks/")

    with pytest.raises(DatabaseError), transaction.atomic():
        SyncRun.objects.create(**{"source": source, "mode": "full", "started_at": NOON, **values})


def test_history_columns_do_not_depend_on_global_settings():
    history = TaskCache.history.model

    assert history._meta.pk.get_internal_type() == "BigAutoField"
    assert history._meta.get_field("history_change_reason").get_internal_type() == "CharField"


def test_rows_are_called_what_people_know_them_by(employee):
    source = TaskSource.objects.create(url="https://plan.example.com/tasks/")
    run = SyncRun(source=source, mode="full", outcome="failed", started_at=NOON)
    entry = TimeEntryFactory.build(task=None, employee=None)
    summary = DaySummary(date=TODAY, total_minutes=60)

    assert [str(row) for row in (employee, TaskFactory(display_name="Plan A"), source)] == [
        employee.email,
        "Plan A",
        "https://plan.example.com/tasks/",
    ]
    assert [str(row) for row in (run, entry, summary)] == [
        "2026-11-20 12:00 full failed",
        "2026-11-20 60 min",
        "2026-11-20 60 min",
    ]
