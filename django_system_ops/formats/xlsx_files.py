"""Workbooks of one sheet, written row by row with what a row needs of memory."""

import re
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from django_system_ops.exceptions import FormatError, SystemOpsError
from django_system_ops.formats.cells import guarded_value, json_text
from django_system_ops.formats.rows import Value

__all__ = ["XLSX_ROWS", "XlsxWriter"]

#: How many rows a sheet has, the header among them. Source: ECMA-376, and Excel's own limits.
XLSX_ROWS = 1_048_576
_CELL_CHARS = 32_767
_COLUMNS = 16_384
# A cell holds a double: what has more digits would come back as another number.
_MOST_DIGITS = 15
_HALF = re.compile("[\ud800-\udfff]")
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "use_zip64": True,
}


class XlsxWriter:
    """
    Writes a header and rows; with ``guard``, texts stay texts when the sheet is saved as csv.

    Raises:
        FormatError: a sheet or a cell has no room for it.
    """

    def __init__(
        self,
        sink: BinaryIO,
        fields: Sequence[str],
        *,
        name: str,
        guard: bool,
        scratch: Path | None = None,
    ) -> None:
        xlsxwriter = _library()
        if len(fields) > _COLUMNS:
            raise FormatError(f"{len(fields)} fields, and a sheet has {_COLUMNS:,} columns.")
        # What is not written yet is on the disk, in a place that is ours to remove.
        self._folder = tempfile.TemporaryDirectory(prefix="opskit-xlsx-", dir=scratch)
        self._book: Any = xlsxwriter.Workbook(
            _Sink(sink), {**_OPTIONS, "tmpdir": self._folder.name}
        )
        self._sheet: Any = self._book.add_worksheet(_sheet_name(name))
        self._fields, self._guard, self._next = fields, guard, 0
        self._write_row(fields)

    def write(self, values: Sequence[Value]) -> None:
        """Write a row."""
        if self._next == XLSX_ROWS:
            raise FormatError(
                f"a sheet has {XLSX_ROWS:,} rows, and there are more: split them, or use csv."
            )
        self._write_row([guarded_value(one) for one in values] if self._guard else values)

    def finish(self) -> None:
        """Write the workbook."""
        try:
            self._book.close()
        finally:
            self._folder.cleanup()

    def abandon(self) -> None:
        """Write no more, and remove what is on the disk."""
        self._sheet._opt_close()
        self._book.fileclosed = True
        self._folder.cleanup()

    def _write_row(self, values: Sequence[object]) -> None:
        for column, value in enumerate(values):
            if value is not None:
                self._write_cell(column, value)
        self._next += 1

    def _write_cell(self, column: int, value: object) -> None:
        if isinstance(value, bool):
            self._sheet.write_boolean(self._next, column, value)
        elif _fits_a_number(value):
            self._sheet.write_number(self._next, column, value)
        else:
            text = _text(value)
            if len(text) > _CELL_CHARS:
                raise FormatError(
                    f"{self._fields[column]!r} has {len(text):,} characters, and a cell "
                    f"{_CELL_CHARS:,}: leave it out with --fields, or use csv.",
                    line=self._next + 1,
                )
            if _HALF.search(text):
                raise FormatError(
                    f"{self._fields[column]!r} has a lone surrogate, which this format cannot "
                    "hold: use json or jsonl.",
                    line=self._next + 1,
                )
            self._sheet.write_string(self._next, column, text)


class _Sink:
    """What a workbook writes itself to: it cannot go back in it."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        return len(data)

    def flush(self) -> None:
        pass


def _sheet_name(name: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", "-", name)[:31] or "rows"


def _fits_a_number(value: object) -> bool:
    if isinstance(value, float):
        return value - value == 0  # neither infinite nor NaN
    if isinstance(value, int):
        return len(str(abs(value))) <= _MOST_DIGITS
    if isinstance(value, Decimal) and value.is_finite():
        exponent = value.as_tuple().exponent
        is_short = len(value.as_tuple().digits) <= _MOST_DIGITS
        return is_short and isinstance(exponent, int) and abs(exponent) <= _MOST_DIGITS
    return False


def _text(value: object) -> str:
    return json_text(value) if isinstance(value, (list, dict)) else str(value)


def _library() -> Any:
    try:
        import xlsxwriter
    except ImportError:
        raise SystemOpsError(
            "Workbooks need the library XlsxWriter: install django-opskit[system-ops]."
        ) from None
    return xlsxwriter
