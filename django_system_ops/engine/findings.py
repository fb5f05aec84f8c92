"""What looking at a service comes to, and what that means for the whole."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["CheckResult", "Finding", "State", "free_space", "is_healthy", "queue_length", "worst"]


class State(StrEnum):
    """How a service stands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    #: Nobody looked: there is no such service here, or nothing to ask it with.
    SKIP = "skip"

    @property
    def severity(self) -> int:
        """Return 0 for skip to 3 for fail."""
        return (State.SKIP, State.OK, State.WARN, State.FAIL).index(self)


@dataclass(frozen=True)
class Finding:
    """
    What a check says.

    Attributes:
        state: how the service stands.
        sentence: one, for people.
        details: more lines, for those who ask for them.
        latency_ms: how long the service itself took; None when that is the whole check's time.
    """

    state: State
    sentence: str
    details: tuple[str, ...] = ()
    latency_ms: float | None = None


@dataclass(frozen=True)
class CheckResult:
    """
    A finding and whose it is.

    Attributes:
        service: what ``--service`` calls the kind: database, cache.
        name: which one of them: ``database:default``.
        finding: what was found.
        latency_ms: milliseconds that it took to answer, or until it was given up.
    """

    service: str
    name: str
    finding: Finding = field(repr=False)
    latency_ms: float

    @property
    def state(self) -> State:
        """Return how it stands."""
        return self.finding.state


def worst(states: Iterable[State]) -> State:
    """Return the worst of them; skip when there is none."""
    return max(states, key=lambda state: state.severity, default=State.SKIP)


def is_healthy(states: Iterable[State], *, fail_on: State = State.FAIL) -> bool:
    """
    Return whether all is well: nothing is as bad as ``fail_on``, and something was looked at.

    Nothing but skips is no health: somebody who asks for one service by name must not be told
    that it is well when it was not asked.
    """
    return State.OK.severity <= worst(states).severity < fail_on.severity


def queue_length(number: object, *, warn: float, fail: float) -> Finding:
    """Return how a backlog of ``number`` stands: it warns and fails from these figures on."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        return Finding(State.FAIL, f"its callable gave {number!r}, which is no number")
    if number >= fail:
        return Finding(State.FAIL, f"{number:g} waiting, {fail:g} are too many")
    if number >= warn:
        return Finding(State.WARN, f"{number:g} waiting, {warn:g} are many")
    return Finding(State.OK, f"{number:g} waiting")


def free_space(
    free_percent: float, what: str, *, warn_percent: float, fail_percent: float
) -> Finding:
    """Return how a disk stands of which so much is free: it warns and fails below these."""
    if free_percent < fail_percent:
        return Finding(State.FAIL, f"{free_percent:.1f} % {what} free, below {fail_percent:g} %")
    if free_percent < warn_percent:
        return Finding(State.WARN, f"{free_percent:.1f} % {what} free, below {warn_percent:g} %")
    return Finding(State.OK, f"{free_percent:.1f} % {what} free")
