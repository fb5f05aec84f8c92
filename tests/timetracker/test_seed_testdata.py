"""Test data: what is created, in which words, and where it is refused."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.timetracker.factories import NOON, TODAY, UserFactory
from timetracker.models import Employee, TaskCache, TimeEntry
from timetracker.services import seed_testdata

pytestmark = pytest.mark.django_db

EMAIL = "test@example.com"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.TIMETRACKER = {"ALLOW_TEST_DATA": True}


def seed(**options):
    out = StringIO()
    call_command("seed_testdata", stdout=out, **options)
    return out.getvalue()


def test_account_can_log_in_and_has_no_rights(db):
    seed()

    user = authenticate(username=EMAIL, password="testpass123")
    assert user is not None
    assert (user.email, user.is_staff, user.is_superuser) == (EMAIL, False, False)


def test_employee_is_active_and_works_eight_hours():
    seed()

    employee = Employee.objects.get(user__username=EMAIL)
    assert (employee.email, employee.is_active, employee.daily_norm_minutes) == (EMAIL, True, 480)


def test_five_tasks_differ_in_phase_and_department():
    seed()

    tasks = TaskCache.objects.order_by("external_id")
    assert [task.display_name for task in tasks] == [f"Task {n}" for n in range(1, 6)]
    assert {task.project_phase for task in tasks} == {"Phase 1", "Phase 2"}
    assert {task.department for task in tasks} == {"IT", "Development"}
    assert {(task.discipline, task.is_active) for task in tasks} == {("Backend", True)}


def test_last_three_days_have_two_entries_of_200_to_260_minutes():
    seed_testdata(now=NOON)

    entries = TimeEntry.objects.select_related("task").order_by("-date", "task__display_name")
    assert [(entry.date, entry.task.display_name) for entry in entries] == [
        (TODAY - timedelta(days=days), task) for days in range(3) for task in ("Task 1", "Task 2")
    ]
    minutes = [entry.duration_minutes for entry in entries]
    assert (min(minutes), max(minutes)) == (200, 260)
    assert [entry.hours_decimal for entry in entries] == [
        (Decimal(m) / 60).quantize(Decimal("0.01")) for m in minutes
    ]


def test_polish_lines_are_the_published_ones(settings):
    settings.LANGUAGE_CODE = "pl"

    lines = seed().splitlines()

    assert lines[:8] == [
        "Tworzenie danych testowych...",
        "Utworzono User: test@example.com",
        "Utworzono Employee: test@example.com",
        "Utworzono TaskCache: Zadanie 1",
        "Utworzono TaskCache: Zadanie 2",
        "Utworzono TaskCache: Zadanie 3",
        "Utworzono TaskCache: Zadanie 4",
        "Utworzono TaskCache: Zadanie 5",
    ]
    assert all(line.startswith("Utworzono TimeEntry: ") for line in lines[8:-3])
    assert lines[-3:] == [
        "=== Dane testowe utworzone ===",
        "Email: test@example.com",
        "Hasło: testpass123",
    ]


def test_lines_are_english_without_a_language():
    lines = seed().splitlines()

    assert lines[:2] == ["Creating test data...", "Created User: test@example.com"]
    assert lines[-3:] == [
        "=== Test data created ===",
        "Email: test@example.com",
        "Password: testpass123",
    ]


def test_second_run_creates_nothing_and_says_the_account_again():
    seed_testdata(now=NOON)

    data = seed_testdata(now=NOON)

    assert data.created == ()
    assert TimeEntry.objects.count() == 6


def test_run_in_another_language_finds_the_tasks_again(settings):
    seed()
    settings.LANGUAGE_CODE = "pl"

    seed()

    assert TaskCache.objects.count() == 5


def test_what_exists_is_not_overwritten():
    user = UserFactory(username=EMAIL, email="other@example.com")
    seed_testdata(now=NOON)
    TaskCache.objects.filter(display_name="Task 1").update(display_name="Mine")
    TimeEntry.objects.filter(date=TODAY).update(duration_minutes=5)

    seed_testdata(now=NOON)

    user.refresh_from_db()
    assert (user.email, user.check_password("testpass123")) == ("other@example.com", False)
    assert TaskCache.objects.filter(display_name="Mine").exists()
    assert set(TimeEntry.objects.filter(date=TODAY).values_list("duration_minutes")) == {(5,)}


def test_removed_entry_comes_back_beside_what_stayed():
    seed_testdata(now=NOON)
    TimeEntry.objects.filter(date=TODAY, task__display_name="Task 2").delete()
    TimeEntry.objects.filter(date=TODAY).update(duration_minutes=5)

    data = seed_testdata(now=NOON)

    assert data.created == (("TimeEntry", "2026-11-20 Task 2, 220 min"),)
    assert sorted(
        TimeEntry.objects.filter(date=TODAY).values_list("duration_minutes", flat=True)
    ) == [5, 220]


def test_day_that_is_full_stays_as_it_is():
    seed_testdata(now=NOON)
    TimeEntry.objects.filter(date=TODAY, task__display_name="Task 2").delete()
    TimeEntry.objects.filter(date=TODAY).update(duration_minutes=1440)

    data = seed_testdata(now=NOON)

    assert data.created == ()
    assert TimeEntry.objects.get(date=TODAY).duration_minutes == 1440


def test_dry_run_tells_and_creates_nothing():
    out = seed(dry_run=True)

    assert "Would create TaskCache: Task 1\n" in out
    assert out.endswith("Dry run: nothing was changed.\n")
    assert not get_user_model().objects.exists()


def test_json_holds_what_was_created():
    document = json.loads(seed(json=True))

    assert document["created"][0] == {"model": "User", "name": EMAIL}
    assert len(document["created"]) == 13
    assert (document["email"], document["dry_run"]) == (EMAIL, False)


@pytest.mark.parametrize("setting", [{}, {"ALLOW_TEST_DATA": False}])
def test_production_site_refuses_with_status_2_and_creates_nothing(settings, setting):
    settings.TIMETRACKER = setting

    with pytest.raises(CommandError, match="refused while DEBUG is off") as refusal:
        seed()

    assert refusal.value.returncode == 2
    assert not get_user_model().objects.exists()


def test_debug_alone_allows_it(settings):
    settings.TIMETRACKER = {}
    settings.DEBUG = True

    assert seed().startswith("Creating test data...")


def test_explicit_no_is_stronger_than_debug(settings):
    settings.TIMETRACKER = {"ALLOW_TEST_DATA": False}
    settings.DEBUG = True

    with pytest.raises(CommandError):
        seed()


def test_shell_sees_status_2_and_one_line(manage):
    run = manage("seed_testdata")

    assert (run.returncode, run.stdout) == (2, "")
    assert len(run.stderr.splitlines()) == 1
