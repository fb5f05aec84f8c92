"""
What is known of networks, as rows for other programs.

Texts come from reports and people. In a CSV, which a spreadsheet may open, one that could be a
formula gets an apostrophe before it; JSON and workbooks hold texts as they are.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from django.core.serializers.json import DjangoJSONEncoder

from django_network_hc.models import Case, InventoryItem, Network, NodeRun
from django_network_hc.services.reports import last_session
from django_network_hc.workbooks import Book, Column, Table

__all__ = [
    "KINDS",
    "STATES",
    "Writable",
    "columns_of",
    "rows_of",
    "write_csv",
    "write_json",
    "write_xlsx",
]


class Writable(Protocol):
    """Something that takes text: a file, or what a command writes to."""

    def write(self, text: str, /) -> object:
        """Take some text."""


STATES = ("open", "closed", "ignored", "all")

_CASES = {
    "customer": "network__customer",
    "network": "network__name",
    "id": "pk",
    "node": "hc_id",
    "location": "location",
    "label": "label",
    "ne_type": "ne_type",
    "test": "test",
    "category": "priority",
    "issue": "issue",
    "finding": "text",
    "task": "task",
    "state": "state",
    "status": "status",
    "found_on": "found_on",
    "last_seen_on": "last_seen_on",
    "times_seen": "times_seen",
    "closed_on": "closed_on",
    "is_unverified": "is_unverified",
    "reopens": "reopens",
    "int_ext": "origin",
    "fault_category": "category",
    "hw_type": "hardware",
    "card": "card",
    "remarks": "remarks",
    "own_columns": "extras",
}
_COVERAGE = {
    "customer": "node__network__customer",
    "network": "node__network__name",
    "node": "node__hc_id",
    "location": "node__location",
    "sid": "node__sid",
    "pss_type": "node__pss_type",
    "report_on": "report_on",
    "tested_on": "tested_on",
    "said": "said",
    "not_run_properly": "annotation",
}
_INVENTORY = {
    "customer": "session__network__customer",
    "network": "session__network__name",
    "report_on": "session__report_on",
    "node": "hc_id",
    "board": "mnemonic",
    "shelf_type": "shelf_type",
    "serial": "serial",
    "line": "cells",
}
_COLUMNS = {"cases": _CASES, "coverage": _COVERAGE, "inventory": _INVENTORY}
KINDS = tuple(_COLUMNS)
# What a spreadsheet takes for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def columns_of(kind: str) -> list[str]:
    """Return the names of the columns of a kind of rows."""
    return list(_COLUMNS[kind])


def rows_of(
    kind: str, networks: Sequence[Network], *, state: str = "all"
) -> Iterator[tuple[Any, ...]]:
    """
    Yield rows, network by network, in the order of their trackers.

    Args:
        kind: one of KINDS; of the inventory that of the last report.
        networks: whose.
        state: of cases, one of STATES.
    """
    for network in networks:
        fields = _COLUMNS[kind].values()
        if kind == "cases":
            cases = Case.objects.filter(network=network).order_by("pk")
            if state != "all":
                cases = cases.filter(state=state.upper())
            yield from cases.values_list(*fields).iterator(chunk_size=2000)
        elif kind == "coverage":
            runs = NodeRun.objects.filter(node__network=network)
            ordered = runs.order_by("report_on", "node__position", "pk")
            yield from ordered.values_list(*fields).iterator(chunk_size=2000)
        elif (session := last_session(network)) is not None:
            items = InventoryItem.objects.filter(session=session).order_by("pk")
            yield from items.values_list(*fields).iterator(chunk_size=2000)


def write_csv(stream: Writable, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows as CSV with commas, and return how many there were."""
    count = 0
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(names)
    for row in rows:
        out.writerow([_guarded(_text(cell)) for cell in row])
        count += 1
    return count


def write_json(stream: Writable, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows as a JSON list of objects, one on each line, and return how many there were."""
    count = 0
    stream.write("[")
    for row in rows:
        document = json.dumps(dict(zip(names, row, strict=True)), cls=DjangoJSONEncoder)
        stream.write(f"{',' if count else ''}\n{document}")
        count += 1
    stream.write("\n]\n")
    return count


def write_xlsx(path: Path, kind: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows as a workbook with one sheet, and return how many there were."""
    whole = [
        [_text(cell) if isinstance(cell, list | dict) else cell for cell in row] for row in rows
    ]
    with Book(path) as book:
        book.add(Table(kind, [Column(name, 16) for name in names], whole))
    return len(whole)


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list | dict):
        return json.dumps(cell, ensure_ascii=False)
    return str(cell)


def _guarded(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
