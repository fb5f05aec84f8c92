"""What is asked: one probe per thing that can fail by itself."""

from collections.abc import Callable
from dataclasses import dataclass

from django_system_ops.engine.findings import Finding, State

__all__ = ["CannotAskError", "Probe", "reason"]


class CannotAskError(Exception):
    """The service is well or not, nobody knows: there is nothing to ask it with."""


@dataclass(frozen=True)
class Probe:
    """
    One thing to ask.

    Attributes:
        service: the kind, as ``--service`` has it.
        name: the thing itself: ``database:default``.
        run: asks it; gets the seconds that it has, and returns a finding or raises.
        timeout_seconds: how long it may take; None for the usual.
    """

    service: str
    name: str
    run: Callable[[float], Finding]
    timeout_seconds: float | None = None

    @classmethod
    def skipped(cls, service: str, sentence: str) -> "Probe":
        """Return what says that there is nothing to ask."""
        return cls(service, service, lambda _seconds: Finding(State.SKIP, sentence))


def reason(error: BaseException) -> str:
    """Return what went wrong in one line, as the library says it."""
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
