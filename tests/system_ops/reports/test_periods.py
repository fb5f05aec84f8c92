"""Periods of the calendar: their names, their bounds, the ones before them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_system_ops.engine.periods import KINDS, Period, last_whole, period_named

MADRID, NEW_YORK = ZoneInfo("Europe/Madrid"), ZoneInfo("America/New_York")

# Before the year 1, which is the last whole one for a day of the next, there is no calendar.
DAYS = st.dates(date(3, 1, 1), date(9990, 1, 1))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-Q3", "2026-07-01", "2026-09-30"),
        ("2026-10", "2026-10-01", "2026-10-31"),
        ("2026-12", "2026-12-01", "2026-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-W01", "2025-12-29", "2026-01-04"),
        ("2026-W53", "2026-12-28", "2027-01-03"),
        ("2026-10-05", "2026-10-05", "2026-10-05"),
        ("2026-10-01..2026-10-15", "2026-10-01", "2026-10-15"),
    ],
)
def test_name_says_which_days(name, first, last):
    found = period_named(name)

    assert (str(found.first), str(found.last), found.name) == (first, last, name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "soon",
        "2026-13",
        "2026-00",
        "2026-Q5",
        "2025-W53",
        "2026-02-30",
        "2026-10-15..2026-10-01",
        "2026-10-01..",
        "20261005",
        "0000",
        "9999",
        "9999-12-31",
        "٢٠٢٦",
        "2026-10\n",
        "../2026-10",
    ],
)
def test_what_is_no_period_is_refused(name):
    with pytest.raises(ValueError, match=r"."):
        period_named(name)


@pytest.mark.parametrize(
    ("word", "today", "name"),
    [
        ("daily", "2026-11-01", "2026-10-31"),
        ("weekly", "2026-11-02", "2026-W44"),
        ("weekly", "2026-11-01", "2026-W43"),
        ("monthly", "2026-11-01", "2026-10"),
        ("monthly", "2026-01-31", "2025-12"),
        ("quarterly", "2026-03-31", "2025-Q4"),
        ("yearly", "2026-12-31", "2025"),
    ],
)
def test_last_whole_one_is_over_before_today(word, today, name):
    assert last_whole(KINDS[word], date.fromisoformat(today)).name == name


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("2026-10-01", "2026-09-30"),
        ("2026-W01", "2025-W52"),
        ("2026-03", "2026-02"),
        ("2026-Q1", "2025-Q4"),
        ("2026", "2025"),
        ("2026-10-01..2026-10-15", "2026-09-16..2026-09-30"),
    ],
)
def test_previous_one_ends_where_it_begins(name, before):
    assert period_named(name).previous().name == before


def test_there_is_no_period_before_the_calendar():
    with pytest.raises(ValueError, match="no calendar before 0001-01-01"):
        period_named("0001-01-01").previous()


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-29", MADRID, 23),
        ("2026-10-25", MADRID, 25),
        ("2026-10-24", MADRID, 24),
        ("2026-03-08", NEW_YORK, 23),
        ("2026-11-01", NEW_YORK, 25),
        # Midnight itself is left out, and there twice.
        ("2026-09-06", ZoneInfo("America/Santiago"), 23),
        ("2026-11-01", ZoneInfo("America/Havana"), 25),
    ],
)
def test_day_has_as_many_hours_as_its_clocks_say(day, zone, hours):
    start, end = (one.astimezone(UTC) for one in period_named(day).bounds(zone))

    assert end - start == timedelta(hours=hours)
    assert start.astimezone(zone).date() == date.fromisoformat(day)
    assert (start - timedelta(microseconds=1)).astimezone(zone).date() < date.fromisoformat(day)


@given(day=DAYS, kind=st.sampled_from(sorted(KINDS.values())))
def test_periods_of_a_kind_follow_each_other_without_a_gap(day, kind):
    found = last_whole(kind, day)

    assert found.end <= day
    assert found.previous().end == found.first
    assert period_named(found.name) == found


@given(first=DAYS, days=st.integers(1, 400), kind=st.sampled_from(sorted(KINDS.values())))
def test_parts_cover_a_period(first, days, kind):
    period = Period("range", first, first + timedelta(days=days))

    parts = list(period.parts(kind))

    assert parts[0].first <= period.first < parts[0].end
    assert parts[-1].first < period.end <= parts[-1].end
    assert all(one.end == two.first for one, two in pairwise(parts))


@given(day=DAYS.filter(lambda one: one.year > 1900), zone=st.sampled_from([MADRID, NEW_YORK]))
def test_bounds_of_a_day_hold_its_noon_alone(day, zone):
    start, end = (
        one.astimezone(UTC) for one in Period("day", day, day + timedelta(1)).bounds(zone)
    )
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone).astimezone(UTC)

    assert start < noon < end
    assert not start < noon + timedelta(days=1) < end
