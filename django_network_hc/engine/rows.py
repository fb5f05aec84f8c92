"""
The rows of the files, typed.

A *finding* is a line of a report; a *case* is an issue that is followed over the months, and has
the key of the finding that it began with.
"""

from datetime import date
from typing import NamedTuple

__all__ = ["NEVER_TESTED", "Case", "Engineering", "Finding", "InventoryItem", "Key", "NodeLine"]

#: HC id, test, priority, issue, finding: the same finding in two reports is one case.
Key = tuple[int, str, str, str, str]

#: What a report says of a node that has never been tested.
NEVER_TESTED = "never tested"


class Finding(NamedTuple):
    """One line of a report's findings; ``row`` is its place in the sheet, from 1."""

    node: int
    address: str
    location: str
    label: str
    kind: str
    tested_on: date | None
    version: str
    test: str
    result: str
    priority: str
    issue: str
    text: str
    task: str
    release: str
    row: int

    @property
    def key(self) -> Key:
        """Return what makes it the same finding in another report."""
        return (self.node, self.test, self.priority, self.issue, self.text)


class NodeLine(NamedTuple):
    """One node of a report's summary; ``tested_on`` is None for one that was never tested."""

    node: int
    location: str
    sid: str
    tested_on: date | None
    address: str
    release: str
    pss_type: str


class InventoryItem(NamedTuple):
    """One line of an inventory: the card, where it is, and the line as it came."""

    node: int
    mnemonic: str
    shelf_type: str
    serial: str
    cells: tuple[str, ...]


class Engineering(NamedTuple):
    """What engineers write into a case."""

    origin: str = ""
    category: str = ""
    hardware: str = ""
    card: str = ""
    remarks: str = ""


class Case(NamedTuple):
    """One row of a tracker; ``extras`` are the columns that engineers have added, by header."""

    key: Key
    found_on: date | None
    address: str
    location: str
    label: str
    ne_type: str
    network: str
    task: str
    status: str
    engineering: Engineering
    row: int
    extras: tuple[tuple[str, str], ...] = ()
