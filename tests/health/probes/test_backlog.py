"""Numbers that must not grow."""

from datetime import timedelta
from decimal import Decimal

import pytest

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes import Backlog
from tests.health.probes.outcomes import outcome_of


def seven() -> int:
    """A source by its path."""
    return 7


@pytest.mark.parametrize(
    ("number", "state", "message"),
    [
        (0, State.UP, "0 waiting"),
        (None, State.UP, "0 waiting"),
        (9, State.UP, "9 waiting"),
        (10, State.WARN, "10 waiting"),
        (99.94, State.WARN, "99.9 waiting"),
        (Decimal("12.5"), State.WARN, "12.5 waiting"),
        (100, State.DOWN, "100 waiting"),
        (timedelta(minutes=2), State.DOWN, "120 waiting"),
    ],
)
def test_state_follows_the_number(number, state, message):
    probe = Backlog(lambda: number, warn_at=10, down_at=100)

    assert outcome_of(probe) == (state, message)


@pytest.mark.parametrize("value", ["7", float("nan"), True, [1]])
def test_source_that_returns_no_number_is_unknown(value):
    assert outcome_of(Backlog(lambda: value, down_at=1)) == (
        State.UNKNOWN,
        f"its source returned a {type(value).__name__}, and not a number",
    )


def test_source_may_be_a_path_and_has_a_unit():
    probe = Backlog(f"{__name__}.seven", warn_at=5, unit="jobs")

    assert outcome_of(probe) == (State.WARN, "7 jobs")
    assert probe.name == "Backlog seven"


def test_async_source_is_awaited():
    async def source():
        return 3

    assert outcome_of(Backlog(source, down_at=3)) == (State.DOWN, "3 waiting")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"source": "no.such.thing", "down_at": 1}, "source 'no.such.thing' cannot be imported"),
        ({"source": 7, "down_at": 1}, "source must be a function or its path, got 7"),
        ({}, "warn_at or down_at"),
        ({"warn_at": 2, "down_at": 1}, "warn_at or down_at"),
        ({"warn_at": True}, "warn_at or down_at"),
    ],
)
def test_wrong_option_is_named(options, named):
    with pytest.raises(CheckSetupError, match=named):
        Backlog(**{"source": seven, **options})
