"""
Percentiles of a stream of figures in little memory.

A run may take weeks: its figures are counted in buckets whose bounds grow by a fixed factor, so
that a percentile is right within half a percent of itself, whatever its size. Source: Masson, Rim
and Lee, "DDSketch", VLDB 2019, section 2.
"""

import math
from dataclasses import dataclass, field

__all__ = ["Quantiles"]

_ACCURACY = 0.005
_FACTOR = (1 + _ACCURACY) / (1 - _ACCURACY)
_LOG_FACTOR = math.log(_FACTOR)
# Smaller ones are nothing: nanoseconds, bytes and percents are all above.
_SMALLEST = 1e-9


@dataclass
class Quantiles:
    """Counts figures of 0 and more."""

    count: int = 0
    lowest: float = math.inf
    highest: float = 0.0
    _zeros: int = 0
    _buckets: dict[int, int] = field(default_factory=dict)

    def add(self, value: float) -> None:
        """Count one figure; one below 0 counts as 0."""
        value = max(0.0, value)
        self.count += 1
        self.lowest, self.highest = min(self.lowest, value), max(self.highest, value)
        if value < _SMALLEST:
            self._zeros += 1
        else:
            bucket = math.ceil(math.log(value) / _LOG_FACTOR)
            self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def percentile(self, percent: float) -> float:
        """
        Return the figure below or at which so many percent of all lie; 0 where there is none.

        The nearest rank: with few figures it is one of them, give or take half a percent.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile is 0 to 100, got {percent}")
        if not self.count:
            return 0.0
        rank = max(1, math.ceil(self.count * percent / 100))
        if rank >= self.count:
            return self.highest
        seen = self._zeros
        found = 0.0
        if rank > seen:
            for bucket in sorted(self._buckets):
                seen += self._buckets[bucket]
                if seen >= rank:
                    found = 2 * _FACTOR**bucket / (_FACTOR + 1)
                    break
        return min(max(found, self.lowest), self.highest)
