"""
Looking through a long table page by page, by its key and never by a count.

A filter without an index is looked for in one stretch of keys after the other, for as long as
a reader is willing to wait: however rare the rows are, no statement reads the whole table.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

from django_opskit.batches import batches

__all__ = ["Page", "first_key_since", "look"]

_M = TypeVar("_M", bound=Model)

# Read in 10 to 50 ms by every database, even when none of the rows fits.
_FIRST_STRETCH = 20_000
_FASTEST_GROWTH = 8.0
# About a second where the rows come from a slow disk.
_LONGEST_STRETCH = 200_000
# Read along an index in some 30 ms.
_MOST_CANDIDATES = 10_000
_AT_ONCE = 500


@dataclass(frozen=True)
class Page(Generic[_M]):
    """
    Some rows, the newest first.

    Attributes:
        older: go on with ``before=`` this key; None at the end of the table.
        newer: go on with ``after=`` this key; None at its beginning.
        is_cut_short: time was up before the page was full: more rows may well fit.
    """

    rows: list[_M] = field(default_factory=list)
    older: int | None = None
    newer: int | None = None
    is_cut_short: bool = False


def look(
    rows: QuerySet[_M],
    *,
    limit: int,
    before: int | None = None,
    after: int | None = None,
    lowest: int | None = None,
    highest: int | None = None,
    candidates: QuerySet[_M] | None = None,
    budget_seconds: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
) -> Page[_M]:
    """
    Return the newest ``limit`` rows, or those that come before or after a key.

    Args:
        rows: the filtered table; its key is a number that grows.
        limit: the length of a page.
        before: only rows with a smaller key, the largest first.
        after: only rows with a larger key: the page that ends just above it.
        lowest: no row below this key fits, which saves looking there.
        highest: no row above this key fits.
        candidates: all that can fit, found along an index. When there are 10,000 at most, only
            those are looked at; otherwise they are so many that the next ones are near.
        budget_seconds: how long to look, about; at least one stretch is always read.
        clock: seconds that never go back.
    """
    table = _Table(rows, lowest, highest)
    few = None if candidates is None else _few(candidates)

    def walk(start: int | None, step: int) -> _Walked[_M]:
        if few is not None:
            return _pick(table, few, start, limit, step)
        return _walk(table, start, limit, step, budget_seconds, clock)

    if after is not None:
        up = walk(after, 1)
        if up.end is not None or len(up.rows) >= limit:
            shown = up.rows[::-1]
            return Page(shown, shown[-1].pk if shown else after + 1, up.end, up.is_cut_short)
        before = None  # the first page, and a whole one
    down = walk(before, -1)
    newer = None
    if before is not None:
        newer = down.rows[0].pk if down.rows else before - 1
    return Page(down.rows, down.end, newer, down.is_cut_short)


def first_key_since(rows: QuerySet[Any], column: str, moment: datetime) -> int | None:
    """
    Return the first key whose ``column`` is not before ``moment``; None when there is none.

    Keys and the column grow together, so that some twenty looks at single rows are enough.
    """
    table = _Table(rows.model._default_manager.using(rows.db), None, None)
    low, high = table.lowest, table.highest + 1
    while low < high:
        middle = (low + high) // 2
        found = table.rows.filter(pk__gte=middle).order_by("pk").values_list("pk", column).first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low if low <= table.highest else None


class _Table(Generic[_M]):
    """The rows and the keys between which they lie, asked for when they are needed."""

    def __init__(self, rows: QuerySet[_M], lowest: int | None, highest: int | None) -> None:
        self.rows = rows
        self._lowest = lowest
        self._highest = highest
        self._all = rows.model._default_manager.using(rows.db)

    @property
    def is_whole(self) -> bool:
        """Every row fits: none is looked for in vain."""
        bounded = self._lowest is not None or self._highest is not None
        return not bounded and not self.rows.query.where

    @property
    def lowest(self) -> int:
        if self._lowest is None:
            self._lowest = self._all.order_by("pk").values_list("pk", flat=True).first() or 0
        return self._lowest

    @property
    def highest(self) -> int:
        if self._highest is None:
            self._highest = self._all.order_by("-pk").values_list("pk", flat=True).first() or 0
        return self._highest

    def between(self, one: int, other: int, order: str) -> QuerySet[_M]:
        low, high = sorted((one, other))
        return self.rows.filter(pk__gte=low, pk__lte=high).order_by(order)


@dataclass(frozen=True)
class _Walked(Generic[_M]):
    rows: list[_M]
    #: Where to go on in the same direction; None at the end of the table.
    end: int | None = None
    is_cut_short: bool = False


def _walk(
    table: _Table[_M],
    start: int | None,
    limit: int,
    step: int,
    budget_seconds: float,
    clock: Callable[[], float],
) -> _Walked[_M]:
    """Collect ``limit`` rows from next to ``start`` on, up (``step`` 1) or down (-1)."""
    order = "pk" if step > 0 else "-pk"
    if table.is_whole:
        rest = table.rows
        if start is not None:
            rest = rest.filter(pk__gt=start) if step > 0 else rest.filter(pk__lt=start)
        return _cut(list(rest.order_by(order)[: limit + 1]), limit)
    found: list[_M] = []
    near = table.highest + 1 if start is None else start
    near = max(near + 1, table.lowest) if step > 0 else min(near - 1, table.highest)
    stretch, began = _FIRST_STRETCH, clock()
    while True:
        asked = clock()
        far = near + step * (stretch - 1)
        found += table.between(near, far, order)[: limit + 1 - len(found)]
        if len(found) > limit:
            return _cut(found, limit)
        if _is_past(far, table, step):
            return _Walked(found)
        now = clock()
        left = budget_seconds - (now - began)
        if left <= 0:
            return _Walked(found, far, is_cut_short=True)
        # As much again as fits into half of the time that is left, at the pace of this one.
        growth = left / 2 / max(now - asked, 0.001)
        stretch = int(stretch * min(max(growth, 0.5), _FASTEST_GROWTH))
        stretch = min(stretch, _LONGEST_STRETCH)
        near = far + step


def _few(candidates: QuerySet[Any]) -> list[int] | None:
    """Return the keys of the candidates, unless there are too many."""
    keys = list(candidates.values_list("pk", flat=True)[: _MOST_CANDIDATES + 1])
    return sorted(keys) if len(keys) <= _MOST_CANDIDATES else None


def _pick(
    table: _Table[_M], keys: list[int], start: int | None, limit: int, step: int
) -> _Walked[_M]:
    """Collect ``limit`` of the rows with these keys from next to ``start`` on."""
    if start is not None:
        keys = [key for key in keys if (key - start) * step > 0]
    if step < 0:
        keys = keys[::-1]
    found: list[_M] = []
    for part in batches(keys, _AT_ONCE):
        chunk = table.rows.filter(pk__in=part)
        found += chunk.order_by("pk" if step > 0 else "-pk")[: limit + 1 - len(found)]
        if len(found) > limit:
            break
    return _cut(found, limit)


def _is_past(key: int, table: _Table[Any], step: int) -> bool:
    return key >= table.highest if step > 0 else key <= table.lowest


def _cut(rows: list[_M], limit: int) -> _Walked[_M]:
    return _Walked(rows[:limit], rows[limit - 1].pk if len(rows) > limit else None)
