"""The admin: what it shows, what it leaves to the services, and in how many queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.timetracker.factories import (
    NOON,
    TODAY,
    EmployeeFactory,
    TaskFactory,
    TimeEntryFactory,
    UserFactory,
)
from tests.timetracker.pages import markup, text
from timetracker.models import SyncRun, TaskSource, TimeEntry
from timetracker.services import save_day, summarise_day

pytestmark = pytest.mark.django_db

LISTS = [
    "employee",
    "taskcache",
    "timeentry",
    "daysummary",
    "tasksource",
    "syncrun",
    "historicalemployee",
    "historicaltaskcache",
    "historicaltimeentry",
]
WRITTEN_ELSEWHERE = ["timeentry", "daysummary", "syncrun", "historicaltimeentry"]


@pytest.fixture
def admin(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def changelist(name):
    return reverse(f"admin:timetracker_{name}_changelist")


def fill(number):
    """Put a row into every table, for an employee and a task of their own."""
    entry = TimeEntryFactory()
    save_day(entry.employee, TODAY, [(TaskFactory(), 60)], now=NOON)
    summarise_day(entry.employee_id, TODAY, now=NOON)
    source = TaskSource.objects.create(url=f"https://plan-{number}.example.com/")
    SyncRun.objects.create(source=source, mode="full", started_at=NOON)


@pytest.mark.parametrize("name", LISTS)
def test_number_of_queries_of_a_list_does_not_grow(admin, name):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page = admin.get(changelist(name))
        assert page.status_code == 200
        assert markup(page).inline == []
        return len(captured)

    fill(0)
    few = queries()
    for number in range(1, 8):
        fill(number)

    assert queries() == few


@pytest.mark.parametrize("name", WRITTEN_ELSEWHERE)
def test_rows_that_services_write_cannot_be_added(admin, name):
    assert admin.get(reverse(f"admin:timetracker_{name}_add")).status_code == 403


def test_time_entry_is_shown_and_neither_changed_nor_deleted(admin):
    entry = TimeEntryFactory(duration_minutes=60)
    change = reverse("admin:timetracker_timeentry_change", args=[entry.pk])
    delete = reverse("admin:timetracker_timeentry_delete", args=[entry.pk])

    assert admin.get(change).status_code == 200
    assert admin.post(change, {"duration_minutes": 90}).status_code == 403
    assert admin.post(delete, {"post": "yes"}).status_code == 403
    assert TimeEntry.objects.get().duration_minutes == 60


def test_time_entry_leads_to_the_page_of_its_day(admin):
    entry = TimeEntryFactory()

    page = admin.get(changelist("timeentry")).content.decode()

    assert f'href="{reverse("timetracker:day", args=[entry.employee_id, entry.date])}"' in page


def test_history_of_an_entry_tells_its_changes_and_those_of_no_other(admin, employee):
    first, second = TaskFactory.create_batch(2)
    save_day(employee, TODAY, [(first, 60), (second, 45)], now=NOON)
    entry = TimeEntry.objects.get(task=first)
    save_day(employee, TODAY, [(first, 90), (second, 45)], now=NOON + timedelta(hours=1))

    page = admin.get(reverse("admin:timetracker_timeentry_history", args=[entry.pk]), follow=True)

    rows = page.context["cl"].result_list
    assert [(row.history_type, row.duration_minutes) for row in rows] == [("~", 90), ("+", 60)]
    assert "Changed" in text(page)


def test_history_tells_deletions_and_who_made_them(admin, employee):
    save_day(employee, TODAY, [(TaskFactory(display_name="Plan A"), 60)], now=NOON)
    TimeEntry.history.update(history_user=employee.user)

    save_day(employee, TODAY, [], now=NOON)

    page = text(admin.get(changelist("historicaltimeentry")))
    assert "Deleted - Nov. 20, 2026" in page
    assert f"Created {employee.user.username} Nov. 20, 2026" in page


def test_employee_is_changed_in_the_admin_and_has_a_history(admin, employee):
    change = reverse("admin:timetracker_employee_change", args=[employee.pk])
    data = {
        "user": employee.user_id,
        "email": employee.email,
        "is_active": "on",
        "daily_norm_minutes": 420,
    }

    admin.post(change, data)

    employee.refresh_from_db()
    assert employee.daily_norm_minutes == 420
    assert employee.history.first().history_user == admin.get("/").context["user"]


def test_norm_longer_than_a_day_is_refused_with_a_sentence(admin, employee):
    change = reverse("admin:timetracker_employee_change", args=[employee.pk])
    data = {"user": employee.user_id, "email": employee.email, "daily_norm_minutes": 1441}

    page = admin.post(change, data)

    assert "The daily norm must be 0 to 1440 minutes." in text(page)


def test_search_finds_entries_by_employee_and_task(admin):
    wanted = TimeEntryFactory(task__display_name="Plan A")
    TimeEntryFactory(employee=EmployeeFactory(email="other@example.com"))

    page = admin.get(changelist("timeentry"), {"q": f"{wanted.employee.email} Plan"})

    assert list(page.context["cl"].result_list) == [wanted]
