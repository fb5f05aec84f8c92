"""Many values in parts: a statement has room for so many, and should not hold locks for long."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

__all__ = ["batches"]

_T = TypeVar("_T")


def batches(values: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    """Yield the values in their order, ``size`` at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
