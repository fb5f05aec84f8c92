"""The sums of a day, and the outbox job that asks for them."""

from datetime import timedelta

import pytest

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxJob
from tests.timetracker.factories import NOON, TODAY, TaskFactory, TimeEntryFactory
from timetracker.models import DaySummary, Employee
from timetracker.services import DAY_SAVED, save_day, summarise_day

LATER = NOON + timedelta(hours=1)


def sums(employee):
    row = DaySummary.objects.get(employee=employee, date=TODAY)
    return row.total_minutes, row.norm_minutes, row.balance_minutes, row.entries_count


def test_sums_add_the_entries_up_and_compare_them_with_the_norm(employee):
    TimeEntryFactory.create_batch(2, employee=employee, duration_minutes=250)
    TimeEntryFactory(duration_minutes=60)

    summarise_day(employee.pk, TODAY, now=NOON)

    assert sums(employee) == (500, 480, 20, 2)


def test_day_without_entries_owes_its_norm(employee):
    summarise_day(employee.pk, TODAY, now=NOON)

    assert sums(employee) == (0, 480, -480, 0)


def test_summing_up_again_ends_in_the_same_row(employee):
    entry = TimeEntryFactory(employee=employee, duration_minutes=60)
    summarise_day(employee.pk, TODAY, now=NOON)
    type(entry).objects.update(duration_minutes=90)

    summarise_day(employee.pk, TODAY, now=LATER)

    assert sums(employee) == (90, 480, -390, 1)
    assert DaySummary.objects.get().computed_at == LATER


def test_sums_of_an_employee_who_is_gone_cannot_be_stored(db):
    with pytest.raises(Employee.DoesNotExist):
        summarise_day(1, TODAY, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_worker_computes_the_sums_of_a_saved_day():
    employee = TimeEntryFactory(duration_minutes=60).employee
    save_day(employee, TODAY, [(TaskFactory(), 450)], now=NOON)

    done = run_once()

    assert done == 1
    assert sums(employee) == (450, 480, -30, 1)
    assert OutboxJob.objects.get().status == OutboxJob.Status.COMPLETED


@pytest.mark.django_db(transaction=True)
def test_second_save_of_a_day_is_summed_up_too():
    """The job is deduplicated while it waits, not for ever."""
    employee = TimeEntryFactory().employee
    task = TaskFactory()
    save_day(employee, TODAY, [(task, 450)], now=NOON)
    run_once()

    save_day(employee, TODAY, [(task, 500)], now=NOON)
    run_once()

    assert sums(employee) == (500, 480, 20, 1)


@pytest.mark.django_db(transaction=True)
def test_job_of_an_employee_who_is_gone_is_done_without_a_trace():
    enqueue(DAY_SAVED, "gone", {"employee_id": 1, "date": "2026-11-20"})

    run_once()

    assert OutboxJob.objects.get().status == OutboxJob.Status.COMPLETED
    assert not DaySummary.objects.exists()
