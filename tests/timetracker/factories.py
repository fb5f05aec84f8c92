"""Rows for the tests, numbered and never random."""

from datetime import UTC, date, datetime, timedelta

from django.contrib.auth.models import User
from factory.declarations import LazyAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory

from timetracker.models import Employee, TaskCache, TimeEntry

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOON.date()
YESTERDAY = TODAY - timedelta(days=1)
TOMORROW = TODAY + timedelta(days=1)
NOVEMBER = date(2026, 11, 1)


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    username = Sequence(lambda n: f"user-{n}")


class EmployeeFactory(DjangoModelFactory[Employee]):
    class Meta:
        model = Employee

    user = SubFactory(UserFactory)
    email = LazyAttribute(lambda employee: f"{employee.user.username}@example.com")


class TaskFactory(DjangoModelFactory[TaskCache]):
    class Meta:
        model = TaskCache

    external_id = Sequence(lambda n: f"PLAN-{n}")
    display_name = Sequence(lambda n: f"Plan {n}")


class TimeEntryFactory(DjangoModelFactory[TimeEntry]):
    class Meta:
        model = TimeEntry

    employee = SubFactory(EmployeeFactory)
    task = SubFactory(TaskFactory)
    date = TODAY
    duration_minutes = 60
