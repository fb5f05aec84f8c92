"""
The grid on which checks are started.

All checks share one origin, so that those with intervals of 5 and 10 seconds meet at every second
point. A point that has passed is never made up for: a late loop goes on with the next one, and
the points that it missed are counted.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Grid", "Tick"]

_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Tick:
    """
    One point of the grid.

    Attributes:
        at_ns: when it is due, on the clock that the origin was read from.
        names: the checks that are due then, in the order in which they were given.
        missed: how many of their earlier points had passed before anybody came.
    """

    at_ns: int
    names: tuple[str, ...]
    missed: int = 0


class Grid:
    """
    When each check is due, in whole nanoseconds: no sum of floats can drift.

    Args:
        intervals: seconds between two starts, by name.
        origin_ns: the first point of every check.

    Raises:
        ValueError: an interval is not above zero.
    """

    def __init__(self, intervals: Mapping[str, float], *, origin_ns: int) -> None:
        self._origin_ns = origin_ns
        self._order = {name: index for index, name in enumerate(intervals)}
        self._intervals_ns: dict[str, int] = {}
        for name, seconds in intervals.items():
            if not (interval_ns := round(seconds * _SECOND_NS)) > 0:
                raise ValueError(f"The interval of {name!r} must be above 0, got {seconds!r}.")
            self._intervals_ns[name] = interval_ns
        self._due = [(origin_ns, index, name) for name, index in self._order.items()]
        heapq.heapify(self._due)

    @property
    def next_at_ns(self) -> int | None:
        """Return when the next check is due; None when there is no check."""
        return self._due[0][0] if self._due else None

    def take(self, now_ns: int) -> Tick | None:
        """Return the earliest point that is due at ``now_ns``, and move its checks on; or None."""
        if not self._due or self._due[0][0] > now_ns:
            return None
        at_ns = self._due[0][0]
        names = list(self._pop_due(at_ns))
        missed = sum(self._push_next(name, at_ns, now_ns) for name in names)
        return Tick(at_ns, tuple(sorted(names, key=self._order.__getitem__)), missed)

    def _pop_due(self, at_ns: int) -> Iterable[str]:
        while self._due and self._due[0][0] == at_ns:
            yield heapq.heappop(self._due)[2]

    def _push_next(self, name: str, at_ns: int, now_ns: int) -> int:
        """Set the next point of a check, and return how many it has missed."""
        interval_ns = self._intervals_ns[name]
        missed = (now_ns - at_ns) // interval_ns
        heapq.heappush(self._due, (at_ns + (missed + 1) * interval_ns, self._order[name], name))
        return missed
