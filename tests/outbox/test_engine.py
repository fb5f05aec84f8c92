"""The pure rules: when to try again, how many jobs to take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_outbox.engine.prefetch import TARGET_SECONDS, prefetch, smoothed_mean
from django_outbox.engine.retry import Bury, Retry, after_failure, retry_delay_seconds


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (10, 300), (5000, 300)]
)
def test_wait_doubles_up_to_five_minutes(attempts, seconds):
    assert retry_delay_seconds(attempts, cap_seconds=300, jitter=0, chance=0.9) == seconds


def test_attempt_zero_is_refused():
    with pytest.raises(ValueError, match="counts from 1, got 0"):
        retry_delay_seconds(0, cap_seconds=300, jitter=0, chance=0)


@given(
    attempts=st.integers(1, 100), jitter=st.floats(0, 1), chance=st.floats(0, 1, exclude_max=True)
)
def test_jitter_only_ever_adds_and_at_most_its_share(attempts, jitter, chance):
    plain = retry_delay_seconds(attempts, cap_seconds=300, jitter=0, chance=0)

    delay = retry_delay_seconds(attempts, cap_seconds=300, jitter=jitter, chance=chance)

    assert plain <= delay <= plain * (1 + jitter)


def test_last_attempt_buries_and_the_one_before_does_not():
    def verdict(attempts):
        return after_failure(attempts, 3, cap_seconds=300, jitter=0, chance=0)

    assert [verdict(2), verdict(3), verdict(4)] == [Retry(4), Bury(), Bury()]


def test_unknown_run_time_takes_one_job_per_thread():
    assert prefetch(None, threads=4, limit=50) == 4


def test_short_jobs_are_taken_in_full_batches():
    assert prefetch(0.0001, threads=1, limit=50) == 50


def test_long_jobs_are_taken_one_by_one():
    assert prefetch(30.0, threads=1, limit=50) == 1


@given(mean=st.none() | st.floats(0, 1e6), threads=st.integers(1, 100), limit=st.integers(1, 1000))
def test_prefetch_stays_between_one_and_the_limit_and_near_the_target(mean, threads, limit):
    count = prefetch(mean, threads=threads, limit=limit)

    assert 1 <= count <= limit
    if mean is not None and count > threads:
        assert count * mean <= TARGET_SECONDS * threads * 1.001


def test_mean_starts_with_the_first_job_and_follows_the_newest():
    first = smoothed_mean(None, 2.0)

    assert first == 2.0
    assert first < smoothed_mean(first, 10.0) < 10.0
