"""How long to wait."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timetracker.sync.engine.waiting import (
    backoff_s,
    http_date,
    pacing_s,
    quota_pause_s,
    retry_after_s,
    token_lifetime_s,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_the_pause_doubles_up_to_the_cap():
    pauses = [backoff_s(n, base_s=1, cap_s=10, jitter=0) for n in (1, 2, 3, 4, 5, 5_000)]

    assert pauses == [1, 2, 4, 8, 10, 10]


@given(attempt=st.integers(1, 10_000), jitter=st.floats(0, 1))
def test_jitter_takes_away_half_of_the_pause_at_most(attempt, jitter):
    longest = backoff_s(attempt, base_s=1, cap_s=30, jitter=0)

    pause = backoff_s(attempt, base_s=1, cap_s=30, jitter=jitter)

    assert longest / 2 <= pause <= longest <= 30


def test_there_is_no_attempt_zero():
    with pytest.raises(ValueError, match="counts from 1, got 0"):
        backoff_s(0, base_s=1, cap_s=1, jitter=0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Mon, 02 Mar 2026 12:00:30 GMT", 30),
        ("Monday, 02-Mar-26 12:00:30 GMT", 30),
        ("Mon Mar  2 12:00:30 2026", 30),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value, seconds):
    assert retry_after_s(value, NOON) == seconds


def test_an_http_date_is_in_utc_also_without_a_zone():
    assert http_date("Mon, 02 Mar 2026 12:00:00 -0000") == NOON


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"RateLimit": '"minute";r=1;t=30'},
        {"RateLimit": "limit=100, remaining=50, reset=30"},
        {"RateLimit": '"minute";r=0'},
        {"RateLimit": "nonsense"},
        {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "30"},
        {"X-RateLimit-Remaining": "0"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "tomorrow"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000000"},
    ],
)
def test_there_is_no_pause_while_quota_is_left_or_nothing_is_said(headers):
    assert quota_pause_s(headers, NOON) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"RateLimit": '"minute";r=0;t=30'},
        {"RateLimit": '"day";r=500;t=9000, "minute";r=0;t=30'},
        {"RateLimit": "limit=100, remaining=0, reset=30"},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "30"},
        {"X-RateLimit-Remaining": " 0", "X-RateLimit-Reset": "30 "},
        {
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int((NOON + timedelta(seconds=30)).timestamp())),
        },
    ],
)
def test_a_used_up_quota_is_waited_for(headers):
    assert quota_pause_s(headers, NOON) == 30


def test_the_longest_of_several_quotas_counts():
    headers = {"RateLimit": '"second";r=0;t=1,"minute";r=0;t=40', "RateLimit-Remaining": "0"}

    assert quota_pause_s(headers, NOON) == 40


def test_requests_keep_their_distance():
    assert pacing_s(None, 100.0, per_second=4) == 0
    assert pacing_s(100.0, 100.1, per_second=4) == pytest.approx(0.15)
    assert pacing_s(100.0, 101.0, per_second=4) == 0


@pytest.mark.parametrize(("expires_in", "usable"), [(3600, 3570), (100, 90), (1, 0.9)])
def test_a_token_is_renewed_before_it_expires(expires_in, usable):
    assert token_lifetime_s(expires_in) == pytest.approx(usable)
