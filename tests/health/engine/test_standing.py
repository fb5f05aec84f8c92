"""From outcomes to states: N failures, M successes, and nothing that flaps."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_health_check_job.engine.outcome import State
from django_health_check_job.engine.standing import Standing, Thresholds

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
USUAL = Thresholds(failures=3, successes=2)
UP, WARN, UNKNOWN, DOWN = State.UP, State.WARN, State.UNKNOWN, State.DOWN


def states_after(*outcomes: State, start: State = UP, thresholds: Thresholds = USUAL):
    standing = Standing(state=start, since=NOON)
    seen = []
    for number, outcome in enumerate(outcomes):
        standing = standing.after(
            outcome, at=NOON + timedelta(seconds=number), thresholds=thresholds
        )
        seen.append(standing.state)
    return seen


@pytest.mark.parametrize(
    ("start", "outcomes", "expected"),
    [
        (UP, [DOWN, DOWN, DOWN], [UP, UP, DOWN]),
        (UP, [DOWN, DOWN, UP, DOWN, DOWN], [UP] * 5),
        (DOWN, [UP, UP], [DOWN, UP]),
        (DOWN, [UP, DOWN, UP, UP], [DOWN, DOWN, DOWN, UP]),
        (UP, [WARN, WARN, WARN], [UP, UP, WARN]),
        # All three were worse than UP; they agree on WARN, and the third DOWN settles it.
        (UP, [WARN, DOWN, DOWN, DOWN], [UP, UP, WARN, DOWN]),
        (UP, [DOWN, UNKNOWN, DOWN, UNKNOWN], [UP, UP, UNKNOWN, UNKNOWN]),
        (UNKNOWN, [DOWN, DOWN, DOWN], [UNKNOWN, UNKNOWN, DOWN]),
        (DOWN, [WARN, UP, UP], [DOWN, WARN, UP]),
        (DOWN, [UNKNOWN, UNKNOWN], [DOWN, UNKNOWN]),
    ],
)
def test_state_follows_what_the_last_outcomes_agree_on(start, outcomes, expected):
    assert states_after(*outcomes, start=start) == expected


def test_first_success_is_believed_at_once():
    standing = Standing().after(UP, at=NOON, thresholds=Thresholds())

    assert (standing.state, standing.since) == (UP, NOON)


def test_first_failure_has_to_be_repeated():
    standing, thresholds = Standing(), Thresholds(failures=2)

    standing = standing.after(DOWN, at=NOON, thresholds=thresholds)
    assert (standing.state, standing.since) == (UNKNOWN, None)

    standing = standing.after(DOWN, at=NOON, thresholds=thresholds)
    assert (standing.state, standing.since) == (DOWN, NOON)


def test_since_stays_while_the_state_stays():
    standing = Standing(state=UP, since=NOON)

    later = standing.after(UP, at=NOON + timedelta(hours=1), thresholds=Thresholds())

    assert later.since == NOON


@pytest.mark.parametrize("wrong", [0, -1, 101])
def test_impossible_threshold_is_named(wrong):
    with pytest.raises(ValueError, match=f"failures must be from 1 to 100, got {wrong}"):
        Thresholds(failures=wrong)


@given(st.lists(st.sampled_from(list(State)), max_size=40), st.integers(1, 5), st.integers(1, 5))
def test_state_changes_only_with_the_last_outcomes_behind_it(outcomes, failures, successes):
    thresholds = Thresholds(failures=failures, successes=successes)
    states = [UP, *states_after(*outcomes, thresholds=thresholds)]

    for index, (before, after) in enumerate(pairwise(states), start=1):
        if after is before:
            continue
        count = failures if after.severity > before.severity else successes
        last = outcomes[max(0, index - count) : index]
        assert len(last) == count
        if after.severity > before.severity:
            assert min(one.severity for one in last) == after.severity
        else:
            assert max(one.severity for one in last) == after.severity
