"""The task that follows a changed norm, from the admin's form to the sums."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from django_opskit.tasks import task_backends
from django_outbox.dispatcher import run_once
from django_outbox.models import OutboxJob
from tests.timetracker.factories import NOON, TODAY, EmployeeFactory, TimeEntryFactory, UserFactory
from timetracker.models import DaySummary, Employee
from timetracker.services import summarise_day, summarise_open_days
from timetracker.tasks import summarise_employee

pytestmark = pytest.mark.django_db


def norms():
    """Return the norm that each day was summed up with, the latest day first."""
    return list(DaySummary.objects.order_by("-date").values_list("norm_minutes", flat=True))


def save_in_admin(client, employee, **changes):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    url = reverse("admin:timetracker_employee_change", args=[employee.pk])
    form = {
        "user": employee.user_id,
        "email": employee.email,
        "is_active": "on",
        "daily_norm_minutes": employee.daily_norm_minutes,
    }
    return client.post(url, form | changes)


def test_site_keeps_its_tasks_in_the_outbox():
    assert type(task_backends["default"]).__name__ == "OutboxBackend"
    assert list(task_backends["default"].check()) == []


def test_open_days_follow_the_norm_and_closed_ones_keep_theirs(employee):
    closed = TODAY - timedelta(days=32)
    for day in (TODAY, TODAY - timedelta(days=31), closed):
        summarise_day(employee.pk, day, now=NOON)
    Employee.objects.update(daily_norm_minutes=360)

    count = summarise_open_days(employee.pk, now=NOON)

    assert (count, norms()) == (2, [360, 360, 480])


def test_changed_norm_is_a_task_of_its_own(client, employee):
    today = timezone.localdate()
    TimeEntryFactory(employee=employee, date=today, duration_minutes=60)
    summarise_day(employee.pk, today, now=timezone.now())

    save_in_admin(client, employee, daily_norm_minutes=360)

    job = OutboxJob.objects.get()
    assert norms() == [480]
    run_once()
    result = summarise_employee.get_result(str(job.pk))
    assert (str(result.status), result.return_value, norms()) == ("SUCCESSFUL", 1, [360])


def test_other_changes_of_an_employee_need_no_task(client, employee):
    save_in_admin(client, employee, email="ada@example.com")

    assert Employee.objects.get().email == "ada@example.com"
    assert not OutboxJob.objects.exists()


def test_task_of_an_employee_who_is_gone_is_done():
    result = summarise_employee.enqueue(EmployeeFactory().pk + 1)

    run_once()

    result.refresh()
    assert (str(result.status), result.return_value) == ("SUCCESSFUL", 0)
