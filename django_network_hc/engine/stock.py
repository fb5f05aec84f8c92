"""What hardware stands where: boards by the type of their shelf."""

from collections import Counter
from collections.abc import Iterable

from django_network_hc.engine.rows import InventoryItem

__all__ = ["BLANK", "TOTAL", "pivot"]

BLANK, TOTAL = "Blank", "Total"


def pivot(items: Iterable[InventoryItem]) -> dict[str, dict[str, int]]:
    """
    Return how many boards of each name stand in each type of shelf, and in all.

    Names and types in their alphabetical order; those without one are called Blank.
    """
    counts = Counter((one.mnemonic or BLANK, one.shelf_type or BLANK) for one in items)
    found: dict[str, dict[str, int]] = {}
    for (board, shelf), count in sorted(counts.items()):
        found.setdefault(board, {})[shelf] = count
    for shelves in found.values():
        shelves[TOTAL] = sum(shelves.values())
    return found
