"""The three files that a new network begins with: no case, no node, nothing ignored."""

from pathlib import Path

from django_network_hc.workbooks.books import Book
from django_network_hc.workbooks.cases import cases_table
from django_network_hc.workbooks.findings import COLUMNS
from django_network_hc.workbooks.summary import Numbers, add_summary
from django_network_hc.workbooks.tables import Column, Table
from django_network_hc.workbooks.trackers import NODE_COLUMNS

__all__ = ["write_ignored_findings", "write_ignored_tests", "write_tracker_template"]

_INVENTORY = (
    *("HC-Id", "Location", "Rack", "Shelf", "Slot", "Sub", "CLEI", "Part number"),
    *("Serial number", "Temp(oC)", "Power(W)", "TxPwr", "RxPwr", "Power Admin", "TL1 Type"),
    *("Mnemonic", "Company", "ExtraData", "Date", "HC Date", "Shelf Type", "Release"),
)
_TESTS = """\
# Tests that are ignored on all nodes, one on each line, such as 5.2.1
# What stands behind a # is a comment.
"""


def write_tracker_template(path: Path) -> None:
    """Write a tracker with all its sheets and nothing in them."""
    with Book(path) as book:
        nothing = Numbers(0, 0, 0, 0, 0, 0, 0)
        add_summary(book, nothing, {}, report="", inventory="")
        for name in ("MAIN", "OPEN", "CLOSED", "IGNORED"):
            book.add(cases_table(name, []))
        book.add(Table("NODE COVERAGE", NODE_COLUMNS, []))
        book.add(Table("Remote Inventory", [Column(name, 14) for name in _INVENTORY], []))


def write_ignored_tests(path: Path) -> None:
    """Write a text file that ignores nothing."""
    path.write_text(_TESTS, encoding="utf-8")


def write_ignored_findings(path: Path) -> None:
    """Write a workbook that ignores nothing, with the columns of a report."""
    first, *others = COLUMNS
    with Book(path) as book:
        book.add(Table("MAIN", [first._replace(header="HC Id"), *others], []))
