"""What one run of a check says."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Outcome", "State", "is_healthy"]


class State(StrEnum):
    """How a check stands, from good to bad."""

    UP = "UP"
    WARN = "WARN"
    #: Nobody could look: that is not the service's fault, and no proof of its health either.
    UNKNOWN = "UNKNOWN"
    DOWN = "DOWN"

    @property
    def severity(self) -> int:
        """Return 0 for UP to 3 for DOWN."""
        return _SEVERITY[self]

    @property
    def works(self) -> bool:
        """Return whether the service does its work: UP, or WARN."""
        return self in (State.UP, State.WARN)


_SEVERITY = {State.UP: 0, State.WARN: 1, State.UNKNOWN: 2, State.DOWN: 3}


@dataclass(frozen=True)
class Outcome:
    """
    One check, run once.

    Attributes:
        name: the check's unique name, at most 50 characters.
        slug: the same for addresses and metrics: ``a-z``, ``0-9`` and ``-``.
        state: how it went.
        message: a sentence for people, without secrets.
        started_at: when the check itself began, aware.
        duration_seconds: how long it took, waiting for a thread not included.
        critical: whether its failure makes the site unhealthy.
    """

    name: str
    slug: str
    state: State
    message: str
    started_at: datetime
    duration_seconds: float
    critical: bool = True

    @property
    def status(self) -> int:
        """Return the published status: 1 when the service works, else 0."""
        return int(self.state.works)

    @property
    def is_healthy(self) -> bool:
        """Return whether the site may call itself healthy with this outcome."""
        return self.state.works or not self.critical


def is_healthy(outcomes: "list[Outcome] | tuple[Outcome, ...]") -> bool:
    """Return whether every critical check works; a round without checks is healthy."""
    return all(outcome.is_healthy for outcome in outcomes)
