"""The grid: no drift, no points made up for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_health_check_job.engine.grid import Grid

SECOND = 1_000_000_000


def test_checks_with_different_intervals_meet_on_one_grid():
    grid = Grid({"fast": 1, "slow": 3}, origin_ns=0)

    ticks = [grid.take(second * SECOND) for second in range(4)]

    assert [tick.names for tick in ticks] == [
        ("fast", "slow"),
        ("fast",),
        ("fast",),
        ("fast", "slow"),
    ]


def test_nothing_is_due_between_two_points():
    grid = Grid({"one": 5}, origin_ns=100)
    grid.take(100)

    assert grid.take(100 + 5 * SECOND - 1) is None
    assert grid.next_at_ns == 100 + 5 * SECOND


def test_points_that_passed_are_counted_and_not_made_up():
    grid = Grid({"one": 1}, origin_ns=0)

    late = grid.take(3 * SECOND + SECOND // 2)

    assert (late.at_ns, late.missed) == (0, 3)
    assert grid.next_at_ns == 4 * SECOND


def test_late_round_does_not_move_the_next_one():
    grid = Grid({"one": 1}, origin_ns=0)

    grid.take(SECOND // 3)

    assert grid.next_at_ns == SECOND


def test_grid_without_checks_is_never_due():
    grid = Grid({}, origin_ns=0)

    assert grid.next_at_ns is None
    assert grid.take(SECOND) is None


@pytest.mark.parametrize("wrong", [0, -1])
def test_interval_must_be_above_zero(wrong):
    with pytest.raises(ValueError, match="interval of 'one' must be above 0"):
        Grid({"one": wrong}, origin_ns=0)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.floats(0.1, 100), min_size=1),
    st.lists(st.integers(0, 50 * SECOND), max_size=30),
)
def test_every_point_is_taken_or_counted(intervals, waits):
    grid, now = Grid(intervals, origin_ns=0), 0
    seen = dict.fromkeys(intervals, 0)
    missed = 0
    for wait in waits:
        now += wait
        while (tick := grid.take(now)) is not None:
            missed += tick.missed
            for name in tick.names:
                seen[name] += 1

    due = {name: now // round(seconds * SECOND) + 1 for name, seconds in intervals.items()}
    assert sum(seen.values()) + missed == (sum(due.values()) if waits else 0)
