"""Numbers as people read them, in Markdown tables that can be pasted."""

import math
from collections.abc import Iterable, Sequence
from statistics import median, quantiles

__all__ = ["markdown", "number", "percentile", "ratio", "typical"]

NOTHING = "–"  # noqa: RUF001  # as tables have it


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def typical(values: Sequence[float]) -> float:
    """Return the median, or NaN where nothing was measured."""
    return median(values) if values else math.nan


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that ``percent`` of the values stay below, or NaN for fewer than two."""
    if len(values) < 2:
        return math.nan
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def number(value: float, unit: str = "") -> str:
    """Return a number with three digits that count."""
    if math.isnan(value):
        return NOTHING
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{unit}"


def ratio(value: float, base: float) -> str:
    """Return the value as a multiple of ``base``."""
    if not base or math.isnan(value) or math.isnan(base):
        return NOTHING
    return f"{value / base:.2f}"
