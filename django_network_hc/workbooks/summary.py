"""
The first sheet of a tracker: the numbers of one report, and the boards by their shelves.

Its cells are where they always were, so that what others have built on them goes on working.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from xlsxwriter.worksheet import Worksheet

from django_network_hc.engine.stock import TOTAL
from django_network_hc.workbooks.books import Book

__all__ = ["Numbers", "add_summary"]

_CHART = {"width": 600, "height": 300}
_FIRST_BOARD = 28  # row 29


class Numbers(NamedTuple):
    """What the summary counts."""

    total: int
    covered: int
    not_covered: int
    not_run_properly: int
    open_cases: int
    new: int
    closed: int


def add_summary(
    book: Book,
    numbers: Numbers,
    stock: Mapping[str, Mapping[str, int]],
    *,
    report: str,
    inventory: str,
) -> None:
    """Add the sheet, with a chart of the nodes and one of the cases."""
    sheet = book.library.add_worksheet("Summary")
    sheet.set_column(0, 0, 62)
    sheet.set_column(1, 4, 18)
    sheet.set_column(5, 5, 52)
    sheet.set_column(6, 20, 18)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    title = book.format(bold=True, font_size=12)
    head = book.format(bold=True, border=1, bg_color="#D9E1F2", text_wrap=True)
    label, figure = book.format(border=1, text_wrap=True), book.format(border=1, num_format="0")
    sheet.write_string("A18", "Node Coverage Summary", title)
    sheet.write_string("F18", "Fault Coverage Summary", title)
    blocks = (
        (
            0,
            report,
            (
                ("Total No. of nodes in the network", numbers.total),
                ("Nodes Covered in this HC report", numbers.covered),
                ("Nodes Not Covered in this HC report", numbers.not_covered),
                (
                    "Nodes where HC did not run properly in this HC report",
                    numbers.not_run_properly,
                ),
            ),
        ),
        (
            5,
            report,
            (
                ("Total OPEN cases after analyzing this HC report", numbers.open_cases),
                ("New Cases added in this HC report", numbers.new),
                ("Cases CLOSED in this HC report", numbers.closed),
            ),
        ),
    )
    for column, name, rows in blocks:
        sheet.write_string(18, column, name, head)
        sheet.write_string(18, column + 1, "Qty", head)
        for row, (text, count) in enumerate(rows, start=19):
            sheet.write_string(row, column, text, label)
            sheet.write_number(row, column + 1, count, figure)
        _chart(book, sheet, column, len(rows))
    sheet.write_string("A27", "Remote Inventory Summary", title)
    sheet.write_string("A28", inventory, head)
    _boards(sheet, stock, head=head, label=label, figure=figure)


def _boards(sheet: Worksheet, stock: Mapping[str, Mapping[str, int]], **formats: Any) -> None:
    shelves = sorted({name for counts in stock.values() for name in counts} - {TOTAL})
    for column, name in enumerate(["Board Mnemonic / Name", *shelves, TOTAL]):
        sheet.write_string(_FIRST_BOARD, column, name, formats["head"])
    for row, (board, counts) in enumerate(stock.items(), start=_FIRST_BOARD + 1):
        sheet.write_string(row, 0, board, formats["label"])
        for column, name in enumerate([*shelves, TOTAL], start=1):
            sheet.write_number(row, column, counts.get(name, 0), formats["figure"])


def _chart(book: Book, sheet: Worksheet, column: int, count: int) -> None:
    """Draw the figures below as bars; a chart of the spreadsheet's own, and no picture."""
    chart = book.library.add_chart({"type": "column"})
    chart.add_series(
        {
            "name": ["Summary", 17, column],
            "categories": ["Summary", 19, column, 18 + count, column],
            "values": ["Summary", 19, column + 1, 18 + count, column + 1],
            "data_labels": {"value": True},
            "points": [{"fill": {"color": one}} for one in _COLOURS[:count]],
        }
    )
    chart.set_legend({"none": True})
    chart.set_size(_CHART)
    sheet.insert_chart(0, column, chart)


_COLOURS = ("#4472C4", "#70AD47", "#ED7D31", "#A5A5A5")
