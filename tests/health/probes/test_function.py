"""Functions as checks."""

import asyncio
from functools import partial, wraps

import pytest

from django_health_check_job.engine.outcome import State
from django_health_check_job.probes import Down, FunctionProbe, Probe, ProbeResult, Unknown, Warn
from tests.health.probes.outcomes import outcome_of

MEANINGS = [
    (None, (State.UP, "OK")),
    (True, (State.UP, "OK")),
    (False, (State.DOWN, "returned False")),
    ("42 documents", (State.UP, "42 documents")),
    ("", (State.UP, "OK")),
    (ProbeResult(State.WARN, "slow"), (State.WARN, "slow")),
    (Down("gone"), (State.DOWN, "gone")),
    (Warn("slow"), (State.WARN, "slow")),
    (Unknown("no idea"), (State.UNKNOWN, "no idea")),
    (
        5,
        (
            State.UNKNOWN,
            "returned a int: a check returns nothing, True, False, a text or a ProbeResult",
        ),
    ),
]


def do(value):
    """Return it, or raise it when it is an exception."""
    if isinstance(value, Exception):
        raise value
    return value


async def do_async(value):
    """Do the same, later."""
    await asyncio.sleep(0)
    return do(value)


class Callable:
    """An object that can be called."""

    def __call__(self, value):
        return do(value)


class AsyncCallable:
    """An object whose call has to be awaited."""

    async def __call__(self, value):
        return await do_async(value)


@wraps(do_async)
def hidden(value):
    """An async function that does not look like one."""
    return do_async(value)


@pytest.mark.parametrize("function", [do, do_async, Callable(), AsyncCallable(), hidden])
@pytest.mark.parametrize(("value", "outcome"), MEANINGS)
def test_what_a_function_does_has_a_meaning(function, value, outcome):
    probe = FunctionProbe(function, {"value": value})

    assert isinstance(probe, Probe)
    assert outcome_of(probe) == outcome


@pytest.mark.parametrize("function", [do, do_async])
def test_other_exceptions_leave_it_as_they_are(function):
    with pytest.raises(ZeroDivisionError):
        outcome_of(FunctionProbe(function, {"value": ZeroDivisionError()}))


@pytest.mark.parametrize(
    ("function", "is_async"),
    [
        (do, False),
        (do_async, True),
        (partial(do_async, 1), True),
        (partial(partial(do, 1)), False),
        (Callable(), False),
        (AsyncCallable(), True),
        (hidden, False),
        (len, False),
    ],
)
def test_probe_knows_where_it_has_to_run(function, is_async):
    assert FunctionProbe(function).is_async is is_async


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (do, "do"),
        (partial(do, 1), "do"),
        (Callable(), "Callable"),
        (Callable().__call__, "__call__"),
    ],
)
def test_name_is_that_of_the_function(function, name):
    assert FunctionProbe(function).name == name
