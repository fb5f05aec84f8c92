"""
From single outcomes to a state that does not flap.

A check becomes worse when its last N outcomes all were worse than its state, and better when its
last M all were better. It then takes the mildest of the N, or the worst of the M: what all of them
agree on. Outcomes that jump between UNKNOWN and DOWN are therefore noticed as well.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from django_health_check_job.engine.outcome import State

__all__ = ["LONGEST_RUN", "Standing", "Thresholds"]

#: Most outcomes that a threshold may ask for.
LONGEST_RUN = 100

_CODES = {State.UP: "U", State.WARN: "W", State.UNKNOWN: "?", State.DOWN: "D"}
_STATES = {code: state for state, code in _CODES.items()}


@dataclass(frozen=True)
class Thresholds:
    """How many outcomes in a row make a check worse (``failures``), or better (``successes``)."""

    failures: int = 3
    successes: int = 2

    def __post_init__(self) -> None:
        for word, count in (("failures", self.failures), ("successes", self.successes)):
            if not 1 <= count <= LONGEST_RUN:
                raise ValueError(f"{word} must be from 1 to {LONGEST_RUN}, got {count!r}")


@dataclass(frozen=True)
class Standing:
    """
    Where a check stands.

    Attributes:
        state: what people are told.
        since: when it began; None before the first state is known.
        recent: the latest outcomes, the newest last, one letter each: U, W, ? and D.
    """

    state: State = State.UNKNOWN
    since: datetime | None = None
    recent: str = ""

    def after(self, outcome: State, *, at: datetime, thresholds: Thresholds) -> "Standing":
        """
        Return the standing after one more outcome.

        The first outcome that says that the service works is believed at once: nothing was
        known before. A failure has to be repeated even then.
        """
        kept = max(thresholds.failures, thresholds.successes)
        recent = (self.recent + _CODES[outcome])[-kept:]
        state = self._decided(recent, thresholds)
        if self.since is None and outcome.works:
            state = outcome
        if state is self.state:
            return replace(self, recent=recent)
        return Standing(state=state, since=at, recent=recent)

    def _decided(self, recent: str, thresholds: Thresholds) -> State:
        worse = [_STATES[code] for code in recent[-thresholds.failures :]]
        if len(worse) == thresholds.failures:
            mildest = min(worse, key=lambda state: state.severity)
            if mildest.severity > self.state.severity:
                return mildest
        better = [_STATES[code] for code in recent[-thresholds.successes :]]
        if len(better) == thresholds.successes:
            worst = max(better, key=lambda state: state.severity)
            if worst.severity < self.state.severity:
                return worst
        return self.state
