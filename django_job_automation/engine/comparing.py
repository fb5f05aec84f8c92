"""
Sites of a group beside each other: who counts much less than the others.

A site's rate is what its register rose by between two readings, for each day between them, and for
each unit of its capacity where the group's capacities are known. It is held against the median of
its group, itself included, so that neither a broken site nor a huge one moves the measure.
"""

from array import array
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from math import isnan, nan
from statistics import median
from typing import Any

__all__ = ["Group", "Standing", "per_day"]

_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Standing:
    """
    A site within its group.

    Attributes:
        rate: its own, per day.
        median: that of the group.
        sites: how many were compared.
    """

    key: Any
    rate: float
    median: float
    sites: int

    def is_below(self, percent: float) -> bool:
        """Return whether it counts less than so many per cent of the median."""
        return self.rate < self.median * percent / 100


@dataclass
class Group:
    """Sites that are compared with each other; some thirty bytes for each of them."""

    _keys: list[Hashable] = field(default_factory=list)
    _rates: "array[float]" = field(default_factory=lambda: array("d"))
    _capacities: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, key: Hashable, rate: float, capacity: float | None) -> None:
        """Take a site in; a capacity of nothing is an unknown one."""
        self._keys.append(key)
        self._rates.append(rate)
        self._capacities.append(capacity or nan)

    def standings(self, *, min_sites: int) -> Iterator[Standing]:
        """
        Yield the sites that can be compared; none when they are fewer than ``min_sites``.

        Where one of a group has a capacity, those that have none are left out.
        """
        has_capacity = not all(map(isnan, self._capacities))
        compared = [
            (key, rate / capacity if has_capacity else rate)
            for key, rate, capacity in zip(self._keys, self._rates, self._capacities, strict=True)
            if not has_capacity or not isnan(capacity)
        ]
        if len(compared) < min_sites:
            return
        middle = median(rate for _key, rate in compared)
        for key, rate in compared:
            yield Standing(key, rate, middle, len(compared))


def per_day(first: tuple[datetime, float], last: tuple[datetime, float]) -> float | None:
    """Return what a register rose by per day; None when it did not rise: others look at that."""
    days = (last[0] - first[0]).total_seconds() / _DAY_SECONDS
    rise = last[1] - first[1]
    return rise / days if days > 0 and rise > 0 else None
