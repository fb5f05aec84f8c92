"""What a probe is, and how it says what it saw."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from django_health_check_job.engine.outcome import State

__all__ = ["Down", "Probe", "ProbeResult", "ProbeSignal", "Unknown", "Warn"]


@dataclass(frozen=True)
class ProbeResult:
    """What a run says when more is to be told than "all is well"."""

    state: State = State.UP
    message: str = "OK"


class ProbeSignal(Exception):  # noqa: N818  # a verdict, not a mistake
    """
    Raised by a probe to give its verdict; the message is shown to people and sent to servers.

    Any other exception counts as DOWN, and only its type is published.
    """

    state: State


class Down(ProbeSignal):
    """The service does not work."""

    state = State.DOWN


class Warn(ProbeSignal):
    """The service works, and somebody should look at it."""

    state = State.WARN


class Unknown(ProbeSignal):
    """The probe could not look: its own means are missing."""

    state = State.UNKNOWN


@runtime_checkable
class Probe(Protocol):
    """
    One health check.

    Attributes:
        name: what it calls itself; the list of checks makes it unique and fits it to 50 characters.
        timeout_seconds: how long it may run; None leaves it to the settings.
        critical: whether its failure makes the site unhealthy.
    """

    name: str
    timeout_seconds: float | None
    critical: bool

    @property
    def is_async(self) -> bool:
        """Return whether :meth:`run` gives a coroutine, to be awaited on the loop's thread."""
        ...

    def run(self) -> "ProbeResult | Awaitable[ProbeResult | None] | None":
        """
        Look once, from the beginning: nothing of an earlier run may be left in it.

        Returns:
            what was seen; None means UP.

        Raises:
            ProbeSignal: the verdict, with a message for people.
        """
        ...
