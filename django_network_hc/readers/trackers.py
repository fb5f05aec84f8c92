"""A tracker: its cases, its nodes with the columns of past reports, and what it is sure of."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django_network_hc.engine.coverage import Node
from django_network_hc.engine.ledger import folded, is_open
from django_network_hc.engine.rows import NEVER_TESTED, Case, Engineering
from django_network_hc.exceptions import InputError
from django_network_hc.readers.cells import Columns, check_words, day, node_id, normalised, text
from django_network_hc.readers.workbooks import TRACKER_LIMITS, Limits, Workbook

__all__ = ["CASE_SHEETS", "COVERAGE", "Tracker", "read_tracker"]

MAIN, OPEN, CLOSED, IGNORED = CASE_SHEETS = ("MAIN", "OPEN", "CLOSED", "IGNORED")
COVERAGE = "NODE COVERAGE"

_CASE_COLUMNS: dict[str, tuple[str, ...]] = {
    "found_on": ("HC Date",),
    "node": ("HC Id",),
    "address": ("Node IP",),
    "location": ("Location",),
    "label": ("Node User Label",),
    "ne_type": ("NE Type",),
    "network": ("Network",),
    "test": ("Test Case",),
    "priority": ("Category",),
    "issue": ("Issue",),
    "text": ("Finding",),
    "task": ("Task",),
    "status": ("Status",),
    "origin": ("Int/Ext",),
    "category": ("Flt Categ",),
    "hardware": ("HW Type",),
    "card": ("Card Sl#",),
    "remarks": ("Remarks",),
}
_NODE_COLUMNS: dict[str, tuple[str, ...]] = {
    "node": ("HC Id",),
    "kind": ("Node Type",),
    "location": ("Location",),
    "sid": ("SID (System ID)", "SID"),
    "pss_type": ("PSS Type",),
}
_OURS = {*(normalised(one) for names in _CASE_COLUMNS.values() for one in names)}
# The row that a new tracker begins with, so that its sheets are not empty.
_DUMMY_NODE = 12345


@dataclass
class Tracker:
    """
    A tracker.

    Attributes:
        cases: of each sheet, in its order.
        nodes: in the order of the sheet.
        columns: what each past report said of each node: a day, or a text.
        notes: what was odd and did no harm.
    """

    cases: dict[str, list[Case]] = field(default_factory=dict, repr=False)
    nodes: dict[int, Node] = field(default_factory=dict, repr=False)
    columns: dict[date, dict[int, date | str]] = field(default_factory=dict, repr=False)
    notes: list[str] = field(default_factory=list)

    @property
    def open_cases(self) -> list[Case]:
        """Return the rows of MAIN that are open: whatever is not closed and not ignored."""
        return [one for one in self.cases[MAIN] if is_open(one.status)]


def read_tracker(path: Path, *, file: str = "", limits: Limits = TRACKER_LIMITS) -> Tracker:
    """
    Read a tracker.

    Raises:
        InputError: it is no tracker; says where and why.
    """
    book = Workbook(path, limits, name=file)
    tracker = Tracker()
    for sheet in CASE_SHEETS:
        cases, notes = folded(_read_cases(book, sheet))
        tracker.cases[sheet] = cases
        tracker.notes += [f"{sheet}: {one}" for one in notes]
    _read_nodes(book, tracker)
    return tracker


def _read_cases(book: Workbook, sheet: str) -> list[Case]:
    rows = book.rows(sheet)
    header = next(rows, ())
    columns = Columns(header, _CASE_COLUMNS, file=book.name, sheet=sheet)
    added = _added_columns(header, columns.last)
    found = []
    once: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        if not any(text(cell).strip() for cell in row):
            continue
        node = node_id(columns.cell(row, "node"))
        if node is None:
            raise InputError(
                book.name,
                f"{columns.text(row, 'node')!r} is no HC id: it must be a number.",
                sheet=sheet,
                row=number,
                column="HC Id",
            )
        given = {name: columns.text(row, name).strip() for name in _CASE_COLUMNS}
        given = {name: once.setdefault(value, value) for name, value in given.items()}
        if node == _DUMMY_NODE and given["address"] == "1.2.3.4":
            continue
        check_words(given, _CASE_COLUMNS, file=book.name, sheet=sheet, row=number)
        key = (node, given["test"], given["priority"], given["issue"], given["text"])
        own = Engineering(*(given[name] for name in Engineering._fields))
        found.append(
            Case(
                key=key,
                found_on=day(columns.cell(row, "found_on")),
                address=given["address"],
                location=given["location"],
                label=given["label"],
                ne_type=given["ne_type"],
                network=given["network"],
                task=given["task"],
                status=given["status"],
                engineering=own,
                row=number,
                extras=tuple(
                    (name, text(row[at]).strip() if at < len(row) else "") for at, name in added
                ),
            )
        )
    return found


def _added_columns(header: Sequence[Any], last: int) -> list[tuple[int, str]]:
    """Return the columns that engineers have added: where they are, and a name for each."""
    found: dict[str, int] = {}
    for at, cell in enumerate(header):
        name = text(cell).strip()
        # A header without a letter of ours is none of ours, in whatever writing it is.
        if normalised(name) in _OURS:
            continue
        number, unique = 2, name
        while unique in found:
            unique, number = f"{name} ({number})", number + 1
        if name or at > last:
            found[unique or f"Column {at + 1}"] = at
    return [(at, name) for name, at in found.items()]


def _read_nodes(book: Workbook, tracker: Tracker) -> None:
    rows = book.rows(COVERAGE)
    header = next(rows, ())
    columns = Columns(header, _NODE_COLUMNS, file=book.name, sheet=COVERAGE)
    days: dict[int, date] = {}
    for index, cell in enumerate(header):
        if index <= columns.last or not text(cell).strip():
            continue
        if (found := day(cell)) is None:
            tracker.notes.append(f"{COVERAGE}: column {text(cell)!r} is no day, and was left out.")
            continue
        days[index] = found
        tracker.columns.setdefault(found, {})
    for row in rows:
        node = node_id(columns.cell(row, "node"))
        if node is None:
            continue
        given = {name: columns.text(row, name).strip() for name in _NODE_COLUMNS}
        if node in tracker.nodes:
            # A reference tracker has a second row for a node that was renamed.
            tracker.notes.append(f"Node {node} has more than one row in {COVERAGE}.")
        else:
            tracker.nodes[node] = Node(
                node, given["kind"], given["location"], given["sid"], given["pss_type"]
            )
        for index, when in days.items():
            cell = row[index] if index < len(row) else ""
            known = day(cell)
            said: date | str = known if known is not None else text(cell).strip()
            if known is not None or said == NEVER_TESTED or node not in tracker.columns[when]:
                tracker.columns[when][node] = said
