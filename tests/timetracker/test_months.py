"""A month on one sheet."""

from datetime import date, timedelta

import pytest

from django_outbox.models import OutboxJob
from tests.timetracker.factories import NOON, NOVEMBER, TODAY, TaskFactory, TimeEntryFactory
from timetracker.services import DAY_SAVED, SumsState, day_key, month_sheet, summarise_day

pytestmark = pytest.mark.django_db


def job_for(employee, day, status):
    finished = None if status in {"PENDING", "IN_PROGRESS"} else NOON
    return OutboxJob.objects.create(
        job_type=DAY_SAVED,
        dedup_key=day_key(employee.pk, day),
        status=status,
        finished_at=finished,
    )


def row_of(sheet, day):
    return next(row for week in sheet.weeks for row in week.days if row and row.date == day)


def test_weeks_begin_on_monday_and_hold_the_month_alone(employee):
    sheet = month_sheet(employee, NOVEMBER)

    assert [week.number for week in sheet.weeks] == [44, 45, 46, 47, 48, 49]
    assert [row.date.day if row else None for row in sheet.weeks[0].days] == [None] * 6 + [1]
    assert sum(row is not None for week in sheet.weeks for row in week.days) == 30
    assert [day.isoweekday() for day in sheet.weekdays] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("first", "previous", "following"),
    [
        (date(2026, 1, 1), date(2025, 12, 1), date(2026, 2, 1)),
        (date(2026, 12, 1), date(2026, 11, 1), date(2027, 1, 1)),
        (date(2028, 2, 1), date(2028, 1, 1), date(2028, 3, 1)),
    ],
)
def test_neighbours_cross_the_year(employee, first, previous, following):
    sheet = month_sheet(employee, first)

    assert (sheet.previous, sheet.next) == (previous, following)


def test_sums_are_those_of_the_month_and_of_the_employee(employee):
    TimeEntryFactory(employee=employee, duration_minutes=500)
    TimeEntryFactory(employee=employee, date=TODAY - timedelta(days=1), duration_minutes=400)
    TimeEntryFactory(employee=employee, date=date(2026, 10, 31), duration_minutes=60)
    TimeEntryFactory(duration_minutes=60)
    for day in (TODAY, TODAY - timedelta(days=1)):
        summarise_day(employee.pk, day, now=NOON)

    sheet = month_sheet(employee, NOVEMBER)

    assert (sheet.minutes, sheet.norm_minutes, sheet.balance_minutes) == (900, 960, -60)
    assert [week.minutes for week in sheet.weeks] == [0, 0, 0, 900, 0, 0]


def test_minutes_are_there_before_the_sums_are(employee):
    TimeEntryFactory(employee=employee, duration_minutes=500)
    job_for(employee, TODAY, "PENDING")

    row = row_of(month_sheet(employee, NOVEMBER), TODAY)

    assert (row.minutes, row.norm_minutes, row.balance_minutes) == (500, None, None)
    assert row.state is SumsState.WAITING


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("PENDING", SumsState.WAITING),
        ("IN_PROGRESS", SumsState.WAITING),
        ("COMPLETED", SumsState.DONE),
        ("FAILED", SumsState.FAILED),
        ("CANCELLED", SumsState.FAILED),
    ],
)
def test_state_is_that_of_the_days_latest_job(employee, status, state):
    job_for(employee, TODAY, "FAILED")
    job_for(employee, TODAY, "COMPLETED")
    job_for(employee, TODAY, status)

    sheet = month_sheet(employee, NOVEMBER)

    assert row_of(sheet, TODAY).state is state
    assert sheet.waiting == (1 if state is SumsState.WAITING else 0)


def test_day_without_job_is_done_when_it_has_sums_and_blank_when_not(employee):
    summarise_day(employee.pk, TODAY, now=NOON)

    sheet = month_sheet(employee, NOVEMBER)

    assert row_of(sheet, TODAY).state is SumsState.DONE
    assert row_of(sheet, TODAY - timedelta(days=1)).state is SumsState.NONE


def test_weekends_are_known(employee):
    sheet = month_sheet(employee, NOVEMBER)

    assert [row.date.day for row in sheet.weeks[2].days if row and row.is_weekend] == [14, 15]


def test_full_month_takes_three_queries(employee, django_assert_num_queries):
    tasks = TaskFactory.create_batch(3)
    for offset in range(30):
        day = NOVEMBER + timedelta(days=offset)
        for task in tasks:
            TimeEntryFactory(employee=employee, task=task, date=day)
        summarise_day(employee.pk, day, now=NOON)
        job_for(employee, day, "COMPLETED")

    with django_assert_num_queries(3):
        month_sheet(employee, NOVEMBER)
