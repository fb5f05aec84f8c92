"""
A workbook in one file, complete or not there.

XlsxWriter writes a workbook in which each table has its header and one blank row: everything but
the rows is its work. Then the parts are copied, and the rows of the tables are put in between, with
the numbers of the formats that the blank row has.
"""

import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xml.sax.saxutils import quoteattr

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from django_network_hc.workbooks.cells import Style, cell, column_name
from django_network_hc.workbooks.tables import Column, Kind, Table

__all__ = ["MOST_ROWS", "Book"]

#: Of a sheet, with its header.
MOST_ROWS = 1_048_576

_STYLE = re.compile(r'<c r="[A-Z]+2" s="(\d+)"')
_DIMENSION = re.compile(r'<dimension ref="[^"]*"/>')
_ROW_2 = re.compile(r'<row r="2".*?(?:</row>|/>(?=<row|</sheetData>))', re.DOTALL)
_AT_ONCE = 500
#: Half the time of the usual level, for files that are a sixth larger.
_LEVEL = 3


class Book:
    """
    A workbook that is written when the block ends.

    ::

        with Book(path) as book:
            book.add(Table("MAIN", columns, rows))

    Nothing stands at ``path`` before the end, and nothing new when the block fails.
    """

    def __init__(self, path: Path, *, author: str = "Automation Team") -> None:
        self.path = path
        self._tables: dict[str, tuple[Table, list[str]]] = {}
        self._folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=".book-")
        self._draft = Path(self._folder.name) / "draft.xlsx"
        self.library = xlsxwriter.Workbook(
            self._draft,
            {
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "tmpdir": self._folder.name,
            },
        )
        self._author = author
        self._formats: dict[tuple[Any, ...], Any] = {}

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write, unless something went wrong."""
        try:
            if kind is None:
                self._finish()
        finally:
            self._folder.cleanup()

    def format(self, **properties: Any) -> Any:
        """Return a format of XlsxWriter, the same one for the same properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.library.add_format(properties)
        return self._formats[key]

    def add(self, table: Table) -> Worksheet:
        """
        Add a sheet with a table, and return it, to be furnished further.

        Raises:
            ValueError: it has more rows than a sheet can hold.
        """
        if len(table.rows) >= MOST_ROWS:
            raise ValueError(
                f"Sheet {table.name} would have {len(table.rows):,} rows; Excel holds "
                f"{MOST_ROWS - 1:,}."
            )
        sheet = self.library.add_worksheet(table.name)
        head = self.format(bold=True, border=1, bg_color="#D9E1F2", text_wrap=True, valign="top")
        day = self.format(
            bold=True, border=1, bg_color="#D9E1F2", num_format="dd-mmm-yy", valign="top"
        )
        for index, column in enumerate(table.columns):
            sheet.set_column(index, index, column.width)
            if isinstance(column.header, date):
                sheet.write_datetime(0, index, column.header, day)
            else:
                sheet.write_string(0, index, str(column.header), head)
            sheet.write_blank(1, index, None, self._body(column))
        for (row, index), text in table.comments.items():
            sheet.write_comment(row, index, text, {"author": self._author})
        sheet.freeze_panes(1, 0)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        if table.columns:
            sheet.autofilter(0, 0, max(len(table.rows), 1), len(table.columns) - 1)
        styles = {
            colour: self.format(border=1, num_format="dd-mmm-yy", bg_color=f"#{colour}")
            for colour in sorted(set(table.colours.values()))
        }
        # Beyond the table, so that the draft has the numbers of these formats as well.
        others = [self._body(Column("", kind=Kind.DAY)), *styles.values()]
        for place, style in enumerate(others, start=len(table.columns)):
            sheet.write_blank(1, place, None, style)
        self._tables[table.name] = (table, list(styles))
        return sheet

    def _body(self, column: Column) -> Any:
        return self.format(border=1, num_format=column.kind.value, valign="top")

    def _finish(self) -> None:
        self.library.close()
        done = Path(self._folder.name) / "done.xlsx"
        with (
            zipfile.ZipFile(self._draft) as draft,
            zipfile.ZipFile(done, "w", zipfile.ZIP_DEFLATED) as book,
        ):
            # As XlsxWriter calls the parts, in the order of their sheets.
            tables = {
                f"xl/worksheets/sheet{number}.xml": self._tables.get(sheet.get_name())
                for number, sheet in enumerate(self.library.worksheets(), start=1)
            }
            for part in draft.infolist():
                found = tables.get(part.filename)
                if found is None:
                    book.writestr(part, draft.read(part), zipfile.ZIP_DEFLATED)
                    continue
                place = zipfile.ZipInfo(part.filename, part.date_time)
                place.compress_type = zipfile.ZIP_DEFLATED
                # That of the file does not count for a part that is opened by its description. In
                # Python 3.13 the name lost its underscore, and kept this one.
                place._compresslevel = _LEVEL  # type: ignore[attr-defined]
                with book.open(place, "w") as target:
                    for text in _filled(draft.read(part).decode(), *found):
                        target.write(text.encode())
        with done.open("rb") as file:
            os.fsync(file.fileno())
        done.replace(self.path)


def _filled(draft: str, table: Table, colours: Sequence[str]) -> Iterator[str]:
    """Yield the XML of a sheet, with its rows in place of the blank one."""
    styles = _STYLE.findall(draft)
    body, (day, *extra) = styles[: len(table.columns)], styles[len(table.columns) :]
    usual = [Style(one, day) for one in body]
    shades = {one: Style(style, style) for one, style in zip(colours, extra, strict=True)}
    head, tail = draft.split("</sheetData>", 1)
    last = f"{column_name(max(len(table.columns) - 1, 0))}{len(table.rows) + 1}"
    head = _DIMENSION.sub(f"<dimension ref={quoteattr(f'A1:{last}')}/>", head, count=1)
    yield _ROW_2.sub("", head, count=1)
    yield from _rows(table, usual, shades)
    yield f"</sheetData>{tail}"


def _rows(table: Table, styles: Sequence[Style], shades: dict[str, Style]) -> Iterator[str]:
    letters = [column_name(index) for index in range(len(table.columns))]
    coloured = {row for row, _column in table.colours}
    part: list[str] = []
    for number, row in enumerate(table.rows, start=2):
        own = styles
        if number - 1 in coloured:
            own = [
                shades.get(table.colours.get((number - 1, index), ""), style)
                for index, style in enumerate(styles)
            ]
        values = row if len(row) >= len(letters) else [*row, *[None] * (len(letters) - len(row))]
        cells = "".join(map(cell, letters, repeat(number), own, values))
        part.append(f'<row r="{number}">{cells}</row>')
        if len(part) == _AT_ONCE:
            yield "".join(part)
            part.clear()
    yield "".join(part)
