"""A tracker: the workbook that says what is open, what is over, and which nodes were covered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django_network_hc.engine.coverage import ANNOTATIONS, Annotation, Node
from django_network_hc.engine.ledger import is_open
from django_network_hc.engine.rows import Case, InventoryItem
from django_network_hc.workbooks.books import Book
from django_network_hc.workbooks.cases import cases_table
from django_network_hc.workbooks.summary import Numbers, add_summary
from django_network_hc.workbooks.tables import Column, Kind, Table

__all__ = ["NODE_COLUMNS", "NOT_ADDED", "TrackerContent", "write_tracker"]

#: What a column says of a node that joined after it.
NOT_ADDED = "Not Added"

NODE_COLUMNS = (
    Column("HC Id", 10, Kind.NUMBER),
    Column("Node Type", 11),
    Column("Location", 24),
    Column("SID (System ID)", 24),
    Column("PSS Type", 18),
)
_HEADER_COMMENT = (
    "The day on which each node was tested in this report. never tested: the report says so. "
    "Missing: the report does not name the node. Not Added: the node joined later."
)
_EXPLAINED = {one: f"Not run properly: {one.text} (test {one.test})." for one in ANNOTATIONS}


@dataclass(frozen=True)
class TrackerContent:
    """
    What a tracker shows.

    Attributes:
        day: of its report.
        cases: of MAIN, all that ever were; those that are open and closed are chosen by status.
        ignored: of this report.
        columns: what each report said of each node, the oldest first: a day or a text.
        annotations: of nodes in the column of this report.
        inventory_header: as it came.
    """

    day: date
    report: str
    inventory_file: str
    numbers: Numbers
    stock: Mapping[str, Mapping[str, int]] = field(repr=False)
    cases: Sequence[Case] = field(repr=False)
    ignored: Sequence[Case] = field(repr=False)
    nodes: Sequence[Node] = field(repr=False)
    columns: Mapping[date, Mapping[int, date | str]] = field(repr=False)
    annotations: Mapping[int, Annotation] = field(repr=False)
    inventory_header: Sequence[str] = field(repr=False)
    inventory: Sequence[InventoryItem] = field(repr=False)


def write_tracker(path: Path, content: TrackerContent) -> None:
    """Write a tracker; what was there before is there until it is complete."""
    with Book(path) as book:
        add_summary(
            book,
            content.numbers,
            content.stock,
            report=content.report,
            inventory=content.inventory_file,
        )
        book.add(cases_table("MAIN", content.cases))
        still = [one for one in content.cases if is_open(one.status)]
        over = [one for one in content.cases if not is_open(one.status)]
        book.add(cases_table("OPEN", still))
        book.add(cases_table("CLOSED", over))
        book.add(cases_table("IGNORED", content.ignored))
        book.add(_coverage(content))
        header = [Column(name, 14) for name in content.inventory_header]
        rows = [one.cells for one in content.inventory]
        book.add(Table(f"{content.day:%Y%m%d} Remote Inventory", header, rows))


def _coverage(content: TrackerContent) -> Table:
    days = list(content.columns)
    columns = [*NODE_COLUMNS, *(Column(day, 12, Kind.DAY) for day in days)]
    rows = [
        [*node, *(content.columns[day].get(node.node, NOT_ADDED) for day in days)]
        for node in content.nodes
    ]
    comments: dict[tuple[int, int], str] = {}
    colours: dict[tuple[int, int], str] = {}
    if content.day in content.columns:
        column = len(NODE_COLUMNS) + days.index(content.day)
        comments[0, column] = _HEADER_COMMENT
        for row, node in enumerate(content.nodes, start=1):
            if annotation := content.annotations.get(node.node):
                comments[row, column] = _EXPLAINED[annotation]
                colours[row, column] = annotation.colour
    return Table("NODE COVERAGE", columns, rows, comments=comments, colours=colours)
