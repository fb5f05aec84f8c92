"""What findings mean."""

import pytest

from django_system_ops.engine.findings import (
    State,
    free_space,
    is_healthy,
    queue_length,
    worst,
)

OK, WARN, FAIL, SKIP = State.OK, State.WARN, State.FAIL, State.SKIP


@pytest.mark.parametrize(
    ("states", "expected"),
    [((), SKIP), ((SKIP,), SKIP), ((SKIP, OK), OK), ((OK, WARN), WARN), ((FAIL, WARN, OK), FAIL)],
)
def test_worst_of_them_is_the_whole(states, expected):
    assert worst(states) is expected


@pytest.mark.parametrize(
    ("states", "fail_on", "expected"),
    [
        ((OK, SKIP), FAIL, True),
        ((OK, WARN), FAIL, True),
        ((OK, WARN), WARN, False),
        ((OK, FAIL), FAIL, False),
        ((OK, FAIL), WARN, False),
    ],
)
def test_healthy_is_what_is_better_than_the_limit(states, fail_on, expected):
    assert is_healthy(states, fail_on=fail_on) is expected


@pytest.mark.parametrize("states", [(), (SKIP,), (SKIP, SKIP)])
def test_nothing_asked_is_not_healthy(states):
    assert not is_healthy(states)


@pytest.mark.parametrize(
    ("number", "state"), [(0, OK), (9, OK), (10, WARN), (99.5, WARN), (100, FAIL), (10**9, FAIL)]
)
def test_queue_is_judged_from_its_limits_on(number, state):
    assert queue_length(number, warn=10, fail=100).state is state


@pytest.mark.parametrize("number", [None, "3", True, float("nan"), float("inf"), [3]])
def test_queue_of_no_number_fails(number):
    finding = queue_length(number, warn=10, fail=100)

    assert (finding.state, "which is no number" in finding.sentence) == (FAIL, True)


@pytest.mark.parametrize(
    ("free", "state"), [(100, OK), (10, OK), (9.9, WARN), (3, WARN), (2.9, FAIL), (0, FAIL)]
)
def test_disk_is_judged_below_its_limits(free, state):
    finding = free_space(free, "of the space", warn_percent=10, fail_percent=3)

    assert finding.state is state
    assert f"{free:.1f} % of the space free" in finding.sentence
