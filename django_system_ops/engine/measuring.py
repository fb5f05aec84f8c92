"""Figures, their limits, and what a run of them says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django_system_ops.engine.quantiles import Quantiles

__all__ = ["Measurement", "MetricSummary", "Series", "amount", "verdict"]

_BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Measurement:
    """
    One figure.

    Attributes:
        metric: its name: ``memory``, ``database connections``.
        value: in ``unit``.
        unit: ``B``, ``ms``, ``s``, ``CPUs``, or nothing for a number of things.
        limit: what would be full, in the same unit; None for what is only told.
    """

    metric: str
    value: float
    unit: str = ""
    limit: float | None = None

    @property
    def percent(self) -> float | None:
        """Return how much of the limit it is."""
        return None if not self.limit else 100 * self.value / self.limit


@dataclass(frozen=True)
class MetricSummary:
    """
    One metric over a run, in its unit.

    ``p95_percent`` and ``highest_percent`` are of its limit, None where it has none; ``limit``
    is the last one, for a limit may move.
    """

    metric: str
    unit: str
    limit: float | None
    count: int
    p50: float
    p95: float
    p99: float
    highest: float
    p95_percent: float | None
    highest_percent: float | None


@dataclass
class Series:
    """Gathers what one metric measures."""

    last: Measurement
    _values: Quantiles = field(default_factory=Quantiles)
    _percents: Quantiles = field(default_factory=Quantiles)

    def add(self, one: Measurement) -> None:
        """Take one figure."""
        self.last = one
        self._values.add(one.value)
        if one.percent is not None:
            self._percents.add(one.percent)

    def summary(self) -> MetricSummary:
        """Return what it comes to."""
        values, percents = self._values, self._percents
        return MetricSummary(
            metric=self.last.metric,
            unit=self.last.unit,
            limit=self.last.limit,
            count=values.count,
            p50=values.percentile(50),
            p95=values.percentile(95),
            p99=values.percentile(99),
            highest=values.highest,
            p95_percent=percents.percentile(95) if percents.count else None,
            highest_percent=percents.highest if percents.count else None,
        )


def verdict(
    summaries: Iterable[MetricSummary],
    outages: Mapping[str, int],
    *,
    samples: int,
    threshold_percent: float,
) -> str:
    """
    Return in a sentence what held the site back, or came nearest to it.

    What did not answer in a tenth of the samples comes before every figure. Of the figures the
    one with the highest 95th percentile, relative to its limit, is named: one peak is no
    bottleneck.
    """
    if outages:
        name = max(outages, key=lambda one: outages[one])
        if 10 * outages[name] >= samples:
            return f"Bottleneck: {name}, no answer in {outages[name]} of {samples} samples."
    limited = [one for one in summaries if one.p95_percent is not None]
    if not limited:
        return "Nothing that has a limit was measured."
    top = max(limited, key=lambda one: (one.p95_percent or 0, one.highest_percent or 0))
    what = f"{top.metric}, {top.p95_percent:.0f} % of {amount(top.limit or 0, top.unit)}"
    if (top.p95_percent or 0) >= threshold_percent:
        return f"Bottleneck: {what}."
    return f"No bottleneck; nearest to its limit: {what}."


def amount(value: float, unit: str) -> str:
    """Return a figure with its unit, for people."""
    if unit == "B":
        step = 0
        while value >= 1024 and step < len(_BYTE_UNITS) - 1:
            value, step = value / 1024, step + 1
        return f"{_short(value)} {_BYTE_UNITS[step]}"
    return f"{_short(value)} {unit}".rstrip()


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
