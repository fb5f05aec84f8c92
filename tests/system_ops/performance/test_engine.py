"""Percentiles, streaks, the grid, and the verdict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_system_ops.engine.alerting import Change, Streak
from django_system_ops.engine.grid import last_tick, next_tick
from django_system_ops.engine.measuring import Measurement, Series, amount, verdict
from django_system_ops.engine.quantiles import Quantiles

FIGURES = st.lists(st.floats(0, 1e12), min_size=1, max_size=300)


def counted(values):
    found = Quantiles()
    for value in values:
        found.add(value)
    return found


@given(FIGURES, st.floats(0, 100))
def test_percentile_is_the_nearest_rank_within_half_a_percent(values, percent):
    import math

    rank = max(1, math.ceil(len(values) * percent / 100))
    exact = sorted(values)[rank - 1]

    assert counted(values).percentile(percent) == pytest.approx(exact, rel=0.0051, abs=1e-8)


@given(FIGURES)
def test_highest_and_lowest_are_exact(values):
    found = counted(values)

    assert (found.percentile(100), found.lowest, found.count) == (
        max(values),
        min(values),
        len(values),
    )


def test_percentile_of_nothing_is_nothing():
    assert Quantiles().percentile(50) == 0


def test_figure_below_nothing_counts_as_nothing():
    assert counted([-1, -2]).percentile(100) == 0


@pytest.mark.parametrize("percent", [-0.1, 100.1])
def test_percentile_beyond_all_is_refused(percent):
    with pytest.raises(ValueError, match="0 to 100"):
        Quantiles().percentile(percent)


def test_a_week_of_samples_takes_little_memory():
    found = counted(float(number % 997) for number in range(600_000))

    assert len(found._buckets) < 1000


def test_alert_comes_after_so_many_in_a_row_and_ends_after_so_many():
    streak = Streak(3)

    changes = [streak.observe(is_bad=bad) for bad in [1, 1, 1, 1, 0, 0, 0, 0]]

    assert changes == [None, None, Change.ALERT, None, None, None, Change.RECOVERED, None]


@pytest.mark.parametrize("pattern", [[1, 1, 0] * 20, [1, 0] * 20, [0] * 40])
def test_what_swings_around_its_limit_alerts_nobody(pattern):
    streak = Streak(3)

    assert [streak.observe(is_bad=bool(bad)) for bad in pattern] == [None] * len(pattern)


def test_what_swings_while_alerted_does_not_recover():
    streak = Streak(2)
    for bad in [1, 1]:
        streak.observe(is_bad=bool(bad))

    assert [streak.observe(is_bad=bool(bad)) for bad in [0, 1] * 10] == [None] * 20


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 6))
def test_alerts_and_recoveries_take_turns(observations, consecutive):
    streak = Streak(consecutive)

    changes = [streak.observe(is_bad=bad) for bad in observations]

    told = [change for change in changes if change]
    assert told == [Change.ALERT, Change.RECOVERED] * (len(told) // 2) + [Change.ALERT] * (
        len(told) % 2
    )


@pytest.mark.parametrize(
    ("tick", "elapsed", "interval", "expected"),
    [
        (1, 1.01, 1, 2),
        (1, 1.99, 1, 2),
        (1, 2.0, 1, 3),
        (1, 4.5, 1, 5),
        (7, 0.7000000001, 0.1, 8),
        # A clock that is early: never the same tick twice.
        (5, 4.9, 1, 6),
    ],
)
def test_ticks_that_passed_are_skipped(tick, elapsed, interval, expected):
    assert next_tick(tick, elapsed_seconds=elapsed, interval_seconds=interval) == expected


@given(st.integers(1, 10**7), st.floats(0.05, 3600))
def test_grid_does_not_drift(tick, interval):
    on_time = next_tick(tick, elapsed_seconds=tick * interval, interval_seconds=interval)

    assert on_time == tick + 1


@pytest.mark.parametrize(
    ("duration", "interval", "expected"), [(60, 1, 60), (1, 0.1, 10), (1, 60, 1), (5, 2, 2)]
)
def test_duration_holds_so_many_ticks(duration, interval, expected):
    assert last_tick(duration_seconds=duration, interval_seconds=interval) == expected


def summary(metric, values, limit, unit=""):
    series = Series(Measurement(metric, 0, unit, limit))
    for value in values:
        series.add(Measurement(metric, value, unit, limit))
    return series.summary()


def test_verdict_names_what_is_nearest_to_its_limit():
    summaries = [
        summary("cpu", [0.5] * 20, 2, "CPUs"),
        summary("memory", [481 * 2**20] * 20, 512 * 2**20, "B"),
        summary("load", [50] * 20, None),
    ]

    text = verdict(summaries, {}, samples=20, threshold_percent=90)

    assert text == "Bottleneck: memory, 94 % of 512 MiB."


def test_verdict_of_a_single_peak_is_none():
    summaries = [summary("cpu", [2, *[0.2] * 99], 2, "CPUs"), summary("memory", [3] * 99, 10)]

    text = verdict(summaries, {}, samples=100, threshold_percent=90)

    assert text == "No bottleneck; nearest to its limit: memory, 30 % of 10."


def test_verdict_puts_what_did_not_answer_first():
    summaries = [summary("memory", [99] * 20, 100)]

    text = verdict(summaries, {"url": 2, "database": 12}, samples=20, threshold_percent=90)

    assert text == "Bottleneck: database, no answer in 12 of 20 samples."


def test_verdict_forgives_one_silence_in_many():
    summaries = [summary("memory", [99] * 20, 100)]

    text = verdict(summaries, {"url": 1}, samples=20, threshold_percent=90)

    assert text == "Bottleneck: memory, 99 % of 100."


def test_verdict_of_nothing_says_so():
    assert verdict([], {}, samples=0, threshold_percent=90) == (
        "Nothing that has a limit was measured."
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (512 * 2**20, "B", "512 MiB"),
        (1536, "B", "1.5 KiB"),
        (3, "B", "3 B"),
        (5 * 2**50, "B", "5120 TiB"),
        (0.1234, "ms", "0.123 ms"),
        (1234.5, "ms", "1234 ms"),
        (2.0, "CPUs", "2 CPUs"),
        (97, "", "97"),
    ],
)
def test_amounts_are_for_people(value, unit, text):
    assert amount(value, unit) == text
