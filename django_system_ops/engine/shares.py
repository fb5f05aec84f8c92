"""Dividing a number of rows: by shares, by rates, and so that some get more than others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["ShareError", "Wanted", "apportion", "counts_of", "zipf_weights"]


class ShareError(ValueError):
    """What is wanted cannot be; the text is a sentence."""


@dataclass(frozen=True)
class Wanted:
    """How much of one thing: a share of the rest, a count, or a rate per another thing."""

    share: float | None = None
    count: int | None = None
    per: str = ""
    rate: float = 0.0


def counts_of(wanted: Mapping[str, Wanted], total: int) -> dict[str, int]:
    """
    Return how many of each thing there are, ``total`` in all where shares allow it.

    Counts are taken as they are. What is left is divided by weights: a share is one, and a rate is
    that of what it is per, times the rate.

    Raises:
        ShareError: a rate is per what is not there, or in a circle.
    """
    fixed: dict[str, float] = {}
    weights: dict[str, float] = {}
    for name in wanted:
        amount, is_fixed = _amount(name, wanted, ())
        (fixed if is_fixed else weights)[name] = amount
    counts = {name: max(1, round(amount)) for name, amount in fixed.items()}
    rest = max(total - sum(counts.values()), len(weights))
    counts |= dict(zip(weights, apportion(rest, list(weights.values())), strict=True))
    return {name: max(1, counts[name]) for name in wanted}


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """
    Return ``total`` divided by weights, in whole numbers that add up to it.

    Source: the method of the largest remainder (Hamilton).
    """
    whole = sum(weights)
    if not weights or whole <= 0:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    found = [int(one) for one in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: (found[at] - exact[at], at))
    for at in by_remainder[: total - sum(found)]:
        found[at] += 1
    return found


def zipf_weights(count: int, exponent: float = 1.0) -> list[float]:
    """
    Return weights of ``count`` things, the first the heaviest: 1, 1/2, 1/3 and so on.

    Source: Zipf's law, with the exponent 1 that is usual for customers and words.
    """
    return [1.0 / (rank**exponent) for rank in range(1, count + 1)]


def _amount(name: str, wanted: Mapping[str, Wanted], path: tuple[str, ...]) -> tuple[float, bool]:
    one = wanted[name]
    if one.count is not None:
        return float(one.count), True
    if one.share is not None:
        return one.share, False
    if one.per not in wanted:
        raise ShareError(f"{name} is per {one.per}, which is not in it.")
    if name in path:
        raise ShareError(f"{' per '.join((*path, name))} is a circle.")
    amount, is_fixed = _amount(one.per, wanted, (*path, name))
    return amount * one.rate, is_fixed
