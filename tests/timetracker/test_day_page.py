"""The page of a day: the form, its refusals, and who may send it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from tests.timetracker.factories import (
    EmployeeFactory,
    TaskFactory,
    TimeEntryFactory,
    UserFactory,
)
from tests.timetracker.pages import assert_sound, day_data, text
from timetracker.models import TimeEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def day():
    """Yesterday by the real clock: open before and after a midnight during the test."""
    return timezone.localdate() - timedelta(days=1)


@pytest.fixture
def url(client, employee, day):
    """The employee's day; the employee is logged in."""
    client.force_login(employee.user)
    return reverse("timetracker:day", args=[employee.pk, day])


def minutes_of(employee):
    return dict(TimeEntry.objects.filter(employee=employee).values_list("task", "duration_minutes"))


def permitted(*codenames):
    user = UserFactory()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def test_form_shows_what_stands_and_three_empty_rows(client, employee, day, url):
    entry = TimeEntryFactory(employee=employee, date=day, duration_minutes=95)

    page = client.get(url)

    rows = page.context["form"].forms
    assert [row.initial for row in rows] == [{"task": entry.task_id, "minutes": 95}, {}, {}, {}]
    assert "1:35 booked, norm 8:00" in text(page)


def test_saved_day_leads_to_its_month_and_says_so(client, employee, day, url):
    first, second = TaskFactory.create_batch(2)

    page = client.post(url, day_data((first, 60), (second, 30), ("", "")), follow=True)

    assert page.redirect_chain == [(reverse("timetracker:month", args=[employee.pk, day]), 302)]
    assert minutes_of(employee) == {first.pk: 60, second.pk: 30}
    assert "is saved: 2 entries, 1:30." in text(page)


def test_history_names_who_saved(client, employee, url):
    client.post(url, day_data((TaskFactory(), 60)))

    assert TimeEntry.history.get().history_user == employee.user


def test_removed_row_is_gone(client, employee, day, url):
    stays, goes = TimeEntryFactory.create_batch(2, employee=employee, date=day)
    data = day_data((stays.task, 60), (goes.task, 60), standing=2)

    client.post(url, {**data, "entries-1-DELETE": "on"})

    assert minutes_of(employee) == {stays.task_id: 60}


def test_row_without_minutes_is_refused_beside_the_field(client, employee, url):
    page = client.post(url, day_data((TaskFactory(), "")))

    assert page.context["form"].forms[0].errors == {"minutes": ["This field is required."]}
    assert minutes_of(employee) == {}


@pytest.mark.parametrize("task", ["0", "x", "-1"])
def test_task_that_was_not_offered_is_refused(client, employee, url, task):
    page = client.post(url, day_data((task, 60)))

    assert list(page.context["form"].forms[0].errors) == ["task"]
    assert minutes_of(employee) == {}


def test_broken_rule_of_one_entry_is_shown_in_its_row(client, employee, url):
    first, second = TaskFactory(), TaskFactory(display_name="Plan A")

    page = client.post(url, day_data((first, 60), (second, 0)))

    rows = page.context["form"].forms
    sentence = "“Plan A” has 0 minutes. Enter 1 to 1440, or remove the entry."
    assert [row.non_field_errors() for row in rows] == [[], [sentence]]
    assert 'role="alert"' in page.content.decode()
    assert minutes_of(employee) == {}


def test_repeated_task_is_shown_in_its_last_row(client, employee, url):
    task = TaskFactory(display_name="Plan A")

    page = client.post(url, day_data((task, 60), (task, 30)))

    rows = page.context["form"].forms
    assert [bool(row.non_field_errors()) for row in rows] == [False, True]
    assert "“Plan A” stands more than once in the day." in text(page)


def test_broken_rule_of_the_day_is_shown_above_the_rows(client, employee, url):
    first, second = TaskFactory.create_batch(2)

    page = client.post(url, day_data((first, 1000), (second, 500)))

    assert page.context["form"].non_form_errors() == [
        "The entries add up to 25:00, and a day has 24:00. Shorten one of them."
    ]
    assert_sound(page)


def test_closed_task_is_offered_only_where_it_stands(client, employee, day, url):
    standing = TaskFactory(display_name="Old", is_active=False)
    TimeEntryFactory(employee=employee, date=day, task=standing)
    TaskFactory(display_name="Other", is_active=False)

    page = text(client.get(url))

    assert "Old (closed)" in page
    assert "Other" not in page


def test_more_time_on_a_closed_task_is_refused_in_its_row(client, employee, day, url):
    task = TaskFactory(display_name="Old", is_active=False)
    TimeEntryFactory(employee=employee, date=day, task=task, duration_minutes=60)

    page = client.post(url, day_data((task, 90), standing=1))

    assert "“Old” is closed and takes no new time." in text(page)
    assert minutes_of(employee) == {task.pk: 60}


@pytest.mark.parametrize(
    ("offset", "sentence"),
    [(2, "This day has not begun."), (-60, "This day is closed.")],
)
def test_day_that_cannot_be_changed_says_why_and_has_no_form(
    client, employee, url, offset, sentence
):
    day = timezone.localdate() + timedelta(days=offset)
    url = reverse("timetracker:day", args=[employee.pk, day])

    for response in (client.get(url), client.post(url, day_data((TaskFactory(), 60)))):
        assert sentence in text(response)
        assert "Save the day" not in text(response)
    assert minutes_of(employee) == {}


def test_inactive_employee_reads_their_days_and_changes_none(client, day):
    employee = EmployeeFactory(is_active=False)
    TimeEntryFactory(employee=employee, date=day, task__display_name="Old", duration_minutes=95)
    client.force_login(employee.user)

    page = client.get(reverse("timetracker:day", args=[employee.pk, day]))

    assert f"{employee.email} is not active and books no time." in text(page)
    assert "Old 95 1.58" in text(page)


def test_day_of_another_employee_is_not_found(client, url, day):
    other = reverse("timetracker:day", args=[EmployeeFactory().pk, day])

    assert client.get(other).status_code == 404
    assert client.post(other, day_data()).status_code == 404


def test_permission_to_view_shows_the_day_and_refuses_to_save_it(client, employee, day, url):
    client.force_login(permitted("view_timeentry"))

    assert "Nothing was booked on this day." in text(client.get(url))
    assert client.post(url, day_data((TaskFactory(), 60))).status_code == 403
    assert minutes_of(employee) == {}


def test_permission_to_change_saves_the_day_of_anybody(client, employee, url):
    task = TaskFactory()
    client.force_login(permitted("view_timeentry", "change_timeentry"))

    client.post(url, day_data((task, 60)))

    assert minutes_of(employee) == {task.pk: 60}


@pytest.mark.parametrize("day", ["2026-02-30", "2026-11-00", "0026-11-20"])
def test_day_that_does_not_exist_is_not_found(client, employee, day):
    client.force_login(employee.user)

    assert client.get(f"/employees/{employee.pk}/{day}/").status_code == 404


@pytest.mark.parametrize("broken", [{}, {"entries-TOTAL_FORMS": "x"}])
def test_form_that_no_browser_sends_is_refused(client, employee, url, broken):
    page = client.post(url, broken)

    assert page.status_code == 200
    assert page.context["form"].non_form_errors()


def test_other_methods_are_refused(client, url):
    assert client.delete(url).status_code == 405


def test_number_of_queries_does_not_grow_with_entries_and_tasks(
    client, employee, day, url, django_assert_num_queries
):
    TimeEntryFactory.create_batch(20, employee=employee, date=day)

    with django_assert_num_queries(5):  # session, user, employee, entries, tasks
        client.get(url)


@pytest.mark.parametrize("language", ["en", "es", "pl"])
def test_page_is_well_formed_and_has_nothing_inline(client, employee, day, url, language):
    TimeEntryFactory(employee=employee, date=day)

    page = client.get(url, headers={"accept-language": language})

    assert_sound(page)
