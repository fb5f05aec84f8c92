"""A check as the monitor plans it: who it is, when it runs, and how to make it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Self

from django_health_check_job.engine.standing import Thresholds
from django_health_check_job.probes.base import Probe

__all__ = ["CheckSpec"]


@dataclass(frozen=True)
class CheckSpec:
    """
    One check of this site.

    Attributes:
        name: unique among the checks, at most 50 characters.
        slug: unique likewise; ``a-z``, ``0-9`` and ``-``.
        critical: whether its failure makes the site unhealthy.
        interval_seconds: between two starts.
        timeout_seconds: how long one run may take.
        thresholds: how many outcomes in a row change its state.
        make: gives a fresh probe, and never raises; call it for every run. A run that was given
            up may still write into its probe, and must not write into that of the next one.
    """

    name: str
    slug: str
    critical: bool
    interval_seconds: float
    timeout_seconds: float
    thresholds: Thresholds
    make: Callable[[], Probe]

    def with_timeout(self, timeout_seconds: float) -> Self:
        """Return the check with another limit, which its probes keep on their sockets too."""

        def make() -> Probe:
            probe = self.make()
            with suppress(AttributeError):  # a frozen probe of somebody else's keeps its own
                probe.timeout_seconds = timeout_seconds
            return probe

        return replace(self, timeout_seconds=timeout_seconds, make=make)
