"""Two writers of one day at once: the employee's row decides who comes second."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from tests.timetracker.factories import NOON, TODAY, EmployeeFactory, TaskFactory
from timetracker.models import DaySummary, TimeEntry
from timetracker.services import save_day, summarise_day

pytestmark = pytest.mark.django_db(transaction=True)


def in_a_thread(work: Callable[[], object]) -> None:
    """Run `work` on a connection of its own and close that."""
    try:
        work()
    finally:
        connection.close()


def test_two_saves_at_once_leave_one_of_the_two_days_never_a_mixture():
    employee = EmployeeFactory()
    first, second = TaskFactory.create_batch(2)
    days = [TODAY - timedelta(days=n) for n in range(10)]
    together = threading.Barrier(2)

    def save_all(task, minutes):
        for day in days:
            together.wait()
            save_day(employee, day, [(task, minutes)], now=NOON)

    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(in_a_thread, lambda: save_all(first, 800)),
            pool.submit(in_a_thread, lambda: save_all(second, 900)),
        ]
        for run in runs:
            run.result()

    entries = TimeEntry.objects.values_list("date", "task_id", "duration_minutes")
    assert sorted(entry[0] for entry in entries) == sorted(days)
    assert {entry[1:] for entry in entries} <= {(first.pk, 800), (second.pk, 900)}


def test_sums_wait_for_a_save_that_is_under_way():
    """Reading before the save ended would store sums that are old from the start."""
    employee = EmployeeFactory()
    task = TaskFactory()
    summing = threading.Thread(
        target=in_a_thread, args=[lambda: summarise_day(employee.pk, TODAY, now=NOON)]
    )

    with transaction.atomic():
        save_day(employee, TODAY, [(task, 480)], now=NOON)
        summing.start()
        summing.join(timeout=0.3)
        was_waiting = summing.is_alive()
    summing.join()

    assert was_waiting
    assert DaySummary.objects.get().total_minutes == 480
