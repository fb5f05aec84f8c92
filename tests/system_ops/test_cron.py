"""The five fields of cron."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_system_ops.engine.cron import CronTime

NOW = datetime(2026, 11, 28, 20, 15, tzinfo=UTC)  # a Saturday


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("* * * * *", "2026-11-28 20:15"),
        ("0 2 * * *", "2026-11-28 02:00"),
        ("30 22 * * *", "2026-11-27 22:30"),
        ("0 3 * * 0", "2026-11-22 03:00"),
        ("0 3 * * 7", "2026-11-22 03:00"),
        ("0 3 * * sun", "2026-11-22 03:00"),
        ("0 4 1 * *", "2026-11-01 04:00"),
        ("*/20 9-17 * * MON-FRI", "2026-11-27 17:40"),
        ("5/25 * * * *", "2026-11-28 20:05"),
        ("0 0 29 2 *", "2024-02-29 00:00"),
        ("0 0 13 * 5", "2026-11-27 00:00"),  # the 13th, or a Friday
        ("0 0 */2 * 5", "2026-11-27 00:00"),  # odd days that are Fridays
        ("0 0 1,15 jan,jul *", "2026-07-15 00:00"),
        ("@weekly", "2026-11-22 00:00"),
        ("@daily", "2026-11-28 00:00"),
    ],
)
def test_last_time_that_it_was_due(text, due):
    assert f"{CronTime.parse(text).last_before(NOW):%Y-%m-%d %H:%M}" == due


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 2 * *", "has 4 fields and needs 5"),
        ("60 2 * * *", "the minute '60' is not within 0 to 59"),
        ("0 24 * * *", "the hour '24'"),
        ("0 0 0 * *", "the day of the month '0'"),
        ("0 0 * 13 *", "the month '13'"),
        ("0 0 * * 8", "the day of the week '8'"),
        ("5-1 * * * *", "the minute '5-1'"),
        ("*/0 * * * *", "needs a step of 1 or more"),
        ("a * * * *", "is no number, range, list or *"),
        ("1,,2 * * * *", "is no number"),
        ("² * * * *", "is no number"),
        ("0 0 30 2 *", "never comes"),
        ("@reboot", "has 1 fields"),
    ],
)
def test_what_is_wrong_is_named(text, problem):
    with pytest.raises(ValueError, match=problem.replace("*", r"\*")):
        CronTime.parse(text)


def test_hour_that_a_time_zone_skips_is_found_after_it():
    madrid = ZoneInfo("Europe/Madrid")
    # 2026-03-29: 02:00 to 03:00 do not exist.
    now = datetime(2026, 3, 29, 12, 0, tzinfo=madrid)

    due = CronTime.parse("30 2 * * *").last_before(now)

    assert due.astimezone(UTC) <= now.astimezone(UTC)
    assert due.date() == now.date()


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    now=st.datetimes(NOW.replace(tzinfo=None), timezones=st.just(UTC)),
)
def test_daily_time_is_never_more_than_a_day_ago(minute, hour, now):
    due = CronTime.parse(f"{minute} {hour} * * *").last_before(now)

    assert timedelta(0) <= now - due < timedelta(days=1)
    assert (due.hour, due.minute, due.second) == (hour, minute, 0)


@given(st.text(alphabet="0123456789*/-, abc@", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        found = CronTime.parse(text)
    except ValueError:
        return
    assert found.minutes
    assert found.last_before(NOW) <= NOW


@pytest.mark.parametrize(
    ("now", "due"),
    [
        # The clocks go from 02:00 to 03:00: what they skip is due when they show 03:00 instead.
        ("2026-03-29 01:00", "2026-03-29 00:30"),
        ("2026-03-29 12:00", "2026-03-29 00:30"),
        # And from 03:00 to 02:00: due at the first 02:30 of the two.
        ("2026-10-25 12:00", "2026-10-25 00:30"),
    ],
)
def test_on_the_days_when_clocks_change(now, due):
    zone = ZoneInfo("Europe/Berlin")
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC).astimezone(zone)

    found = CronTime.parse("30 2 * * *").last_before(moment).astimezone(UTC)

    assert f"{found:%Y-%m-%d %H:%M}" == due
