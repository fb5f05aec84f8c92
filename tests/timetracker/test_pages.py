"""Home, log in and the month: who sees what, and that nothing is inline."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from django_outbox.models import OutboxJob
from tests.timetracker.factories import (
    NOON,
    NOVEMBER,
    EmployeeFactory,
    TaskFactory,
    TimeEntryFactory,
    UserFactory,
)
from tests.timetracker.pages import assert_sound, text
from timetracker.services import DAY_SAVED, day_key, summarise_day

pytestmark = pytest.mark.django_db

NOVEMBER_20 = NOVEMBER.replace(day=20)


def month_url(employee, first=NOVEMBER):
    return reverse("timetracker:month", args=[employee.pk, first])


def allow(user, codename):
    user.user_permissions.add(Permission.objects.get(codename=codename))


def test_home_leads_strangers_to_the_log_in(client):
    page = client.get("/")

    assert page.status_code == 200
    assert reverse("login") in page.content.decode()
    assert reverse("timetracker:this-month") not in page.content.decode()


def test_home_leads_employees_to_their_time_and_not_to_the_admin(client, employee):
    client.force_login(employee.user)

    page = client.get("/").content.decode()

    assert reverse("timetracker:this-month") in page
    assert reverse("admin:index") not in page


def test_home_leads_staff_to_the_admin_and_says_that_they_are_no_employee(client):
    client.force_login(UserFactory(is_staff=True))

    page = client.get("/")

    assert reverse("admin:index") in page.content.decode()
    assert "Your account belongs to no employee" in text(page)


@pytest.mark.parametrize("name", ["this-month", "today"])
def test_short_addresses_lead_to_the_own_page(client, employee, name):
    client.force_login(employee.user)

    response = client.get(reverse(f"timetracker:{name}"), follow=True)

    assert response.status_code == 200
    assert response.context["employee"] == employee


@pytest.mark.parametrize("name", ["this-month", "today"])
def test_short_addresses_lead_home_without_an_employee(client, name):
    client.force_login(UserFactory())

    response = client.get(reverse(f"timetracker:{name}"))

    assert response.url == reverse("timetracker:home")


@pytest.mark.parametrize(
    "address", ["/month/", "/today/", "/employees/1/2026-11/", "/employees/1/2026-11-20/"]
)
def test_strangers_must_log_in(client, address):
    response = client.get(address)

    assert response.url == f"{reverse('login')}?next={address}"


def test_log_in_leads_back_to_where_one_wanted_to_go(client, employee):
    employee.user.set_password("correct horse")
    employee.user.save()

    response = client.post(
        f"{reverse('login')}?next=/month/",
        {"username": employee.user.username, "password": "correct horse", "next": "/month/"},
    )

    assert response.url == "/month/"


def test_wrong_password_is_explained(client):
    page = client.post(reverse("login"), {"username": "nobody", "password": "wrong"})

    assert 'role="alert"' in page.content.decode()
    assert_sound(page)


def test_month_of_another_employee_is_not_found(client, employee):
    client.force_login(employee.user)

    assert client.get(month_url(EmployeeFactory())).status_code == 404
    assert client.get("/employees/999999/2026-11/").status_code == 404


def test_month_of_anybody_is_shown_with_the_permission(client, employee):
    manager = UserFactory()
    allow(manager, "view_timeentry")
    client.force_login(manager)

    assert client.get(month_url(employee)).status_code == 200


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "0026-11"])
def test_month_that_does_not_exist_is_not_found(client, employee, month):
    client.force_login(employee.user)

    assert client.get(f"/employees/{employee.pk}/{month}/").status_code == 404


def test_month_shows_hours_balance_and_state(client, employee):
    TimeEntryFactory(employee=employee, date=NOVEMBER_20, duration_minutes=440)
    summarise_day(employee.pk, NOVEMBER_20, now=NOON)
    client.force_login(employee.user)

    page = text(client.get(month_url(employee)))

    assert "November 2026" in page
    assert "Worked 7:20 Norm of the booked days 8:00 Balance −0:40" in page
    assert "Fri 20 7:20 −0:40 done" in page


def test_month_shows_a_day_that_waits_for_its_sums(client, employee):
    TimeEntryFactory(employee=employee, date=NOVEMBER_20, duration_minutes=440)
    OutboxJob.objects.create(job_type=DAY_SAVED, dedup_key=day_key(employee.pk, NOVEMBER_20))
    client.force_login(employee.user)

    page = text(client.get(month_url(employee)))

    assert "Days waiting for their sums 1" in page
    assert "Fri 20 7:20 waiting" in page


def test_days_to_come_have_no_link(client, employee):
    tomorrow = timezone.localdate() + timedelta(days=1)
    client.force_login(employee.user)

    page = client.get(month_url(employee, tomorrow.replace(day=1)))

    assert reverse("timetracker:day", args=[employee.pk, tomorrow]) not in page.content.decode()


def test_month_without_a_norm_shows_no_bar(client):
    employee = TimeEntryFactory(employee__daily_norm_minutes=0, date=NOVEMBER_20).employee
    summarise_day(employee.pk, NOVEMBER_20, now=NOON)
    client.force_login(employee.user)

    page = client.get(month_url(employee))

    assert "<progress" not in page.content.decode()
    assert "Fri 20 1:00 +1:00 done" in text(page)


def test_number_of_queries_of_a_month_does_not_grow(client, employee, django_assert_num_queries):
    for task in TaskFactory.create_batch(3):
        for offset in range(20):
            day = NOVEMBER + timedelta(days=offset)
            TimeEntryFactory(employee=employee, task=task, date=day)
            summarise_day(employee.pk, day, now=NOON)
    client.force_login(employee.user)

    with django_assert_num_queries(6):  # session, user, employee and the sheet's three
        client.get(month_url(employee))


@pytest.mark.parametrize("language", ["en", "es", "pl"])
@pytest.mark.parametrize("name", ["home", "month", "login"])
def test_pages_are_well_formed_and_have_nothing_inline(client, employee, name, language):
    urls = {"home": "/", "month": month_url(employee), "login": reverse("login")}
    client.force_login(employee.user)

    page = client.get(urls[name], headers={"accept-language": language})

    assert_sound(page)
    assert f'<html lang="{language}">' in page.content.decode()


def test_pages_forbid_everything_inline_and_foreign(client):
    policy = client.get("/").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_language_is_chosen_without_javascript(client):
    client.post(reverse("set_language"), {"language": "pl"}, headers={"referer": "/"})

    assert "Zaloguj się" in text(client.get("/"))
