"""Does a queue grow, or its oldest entry age?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils.module_loading import import_string

from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes.base import ProbeResult, Unknown
from django_health_check_job.probes.builtin import BuiltIn, graded, is_number
from django_health_check_job.probes.function import name_of, settled

__all__ = ["Backlog"]


@dataclass
class Backlog(BuiltIn):
    """
    WARN, then DOWN, when a number grows: jobs that wait, or the age of the oldest one.

    Args:
        source: a function without arguments, or its dotted path. It returns how many wait, or
            the age of the oldest one in seconds or as a timedelta; None means that none waits.
        warn_at: WARN from this number on; None: never.
        down_at: DOWN from this number on; None: never.
        unit: what is counted, for the message: "jobs", "s".
    """

    source: Callable[[], Any] | str
    warn_at: float | None = None
    down_at: float | None = None
    unit: str = "waiting"

    def run(self) -> ProbeResult:
        """Ask for the number."""
        assert callable(self.source), "a path was replaced by what it names"
        value = settled(self.source())
        number = _number_of(value)
        if not is_number(number):
            raise Unknown(f"its source returned a {type(value).__name__}, and not a number")
        state = graded(number, warn_at=self.warn_at, down_at=self.down_at)
        shown = f"{number:.1f}".removesuffix(".0")
        return ProbeResult(state, f"{shown} {self.unit}")

    def _check_options(self) -> None:
        if isinstance(self.source, str):
            try:
                self.source = import_string(self.source)
            except ImportError as error:
                raise CheckSetupError(
                    f"Backlog: source {self.source!r} cannot be imported: {error}"
                ) from error
        self._require(callable(self.source), "source must be a function or its path", self.source)
        limits = [limit for limit in (self.warn_at, self.down_at) if limit is not None]
        self._require(
            bool(limits) and all(map(is_number, limits)) and limits == sorted(limits),
            "it needs warn_at or down_at, numbers, and warn_at the smaller one",
            (self.warn_at, self.down_at),
        )

    def _own_name(self) -> str:
        assert callable(self.source), "a path was replaced by what it names"
        return f"Backlog {name_of(self.source)}"


def _number_of(value: Any) -> Any:
    """Return the number that is meant, or what it is instead."""
    if value is None:
        return 0
    if isinstance(value, timedelta):
        return value.total_seconds()
    # What databases make of averages.
    return float(value) if isinstance(value, Decimal) else value
