"""Cells as spreadsheets hold them: numbers for ids, texts for dates, blanks for nothing."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

from django_network_hc.exceptions import InputError

__all__ = ["LONGEST_WORD", "Columns", "check_words", "day", "node_id", "normalised", "text"]

_ODD = re.compile("[\0\ud800-\udfff\ufffe\uffff]")
#: More does not fit into a cell of Excel.
LONGEST_TEXT = 32_767
#: How long a test or a priority may be.
LONGEST_WORD = 100
_LONGEST = {"test": LONGEST_WORD, "priority": LONGEST_WORD, "status": 255}
_SIGNS = re.compile(r"[^a-z0-9#]+")
#: How days are written, and how long.
_DAY_FORMATS = {
    "%Y%m%d": (8, 8),
    "%Y-%m-%d": (10, 10),
    "%d.%m.%Y": (8, 10),
    "%d-%b-%Y": (10, 11),
    "%d-%b-%y": (8, 9),
}
# Days as spreadsheets count them, where a cell has no format for one: of 1990 to 2100.
_SERIALS = range(32_874, 73_415)
_EPOCH = date(1899, 12, 30).toordinal()


def text(cell: object) -> str:
    """
    Return a cell as a text: a whole number without a point, and none for nothing.

    A text is as it would come back out of a workbook: its lines end with a line feed, it has no
    more characters than a cell holds, and those that no database or no XML takes are U+FFFD.
    """
    if isinstance(cell, str):
        if len(cell) > LONGEST_TEXT:
            cell = cell[:LONGEST_TEXT]
        if "\r" in cell:
            cell = cell.replace("\r\n", "\n").replace("\r", "\n")
        is_plain = cell.isascii() and "\0" not in cell
        return cell if is_plain else _ODD.sub("\ufffd", cell)
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00")
    return str(cell)


def node_id(cell: Any) -> int | None:
    """Return an HC id, which is a number or a text of digits; None when it is neither."""
    digits = text(cell).strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def day(cell: Any) -> date | None:
    """Return a day: a date, a number such as 20250206 or 45694, or a text; None when it is none."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool) and _is_serial(cell):
        return date.fromordinal(_EPOCH + int(cell))
    written = text(cell).strip()
    for form, length in _DAY_FORMATS.items():
        if not length[0] <= len(written) <= length[1]:
            continue  # 202512 is no second of January
        try:
            found = datetime.strptime(written, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
        return found if 1990 <= found.year <= 2100 else None
    return None


def check_words(
    words: dict[str, str], headers: dict[str, tuple[str, ...]], *, file: str, sheet: str, row: int
) -> None:
    """
    Refuse a test, a priority or a status that is none.

    Raises:
        InputError: one is longer than any that there is.
    """
    for name, most in _LONGEST.items():
        word = words.get(name, "")
        if len(word) > most:
            raise InputError(
                file,
                f"{word[:30]!r}... has {len(word)} characters; {most} are the most.",
                sheet=sheet,
                row=row,
                column=headers[name][0],
            )


def _is_serial(cell: float) -> bool:
    return isfinite(cell) and int(cell) in _SERIALS


def normalised(header: Any) -> str:
    """Return a header without case, blanks and signs: ``HC-Id`` and ``HCID`` are the same."""
    return _SIGNS.sub("", text(header).casefold())


class Columns:
    """
    Where the columns of a table are, by their headers.

    Args:
        header: the cells of the first row.
        wanted: names of ours, each with the headers that it may have.
        optional: those of them that may be missing.

    Raises:
        InputError: a column is missing, or there twice.
    """

    def __init__(
        self,
        header: Sequence[Any],
        wanted: dict[str, tuple[str, ...]],
        *,
        file: str,
        sheet: str = "",
        optional: Iterable[str] = (),
    ) -> None:
        places: dict[str, list[int]] = {}
        for index, cell in enumerate(header):
            places.setdefault(normalised(cell), []).append(index)
        self._index: dict[str, int] = {}
        for name, headers in wanted.items():
            aliases = dict.fromkeys(map(normalised, headers))
            found = [at for one in aliases for at in places.get(one, ())]
            if len(found) > 1:
                raise InputError(
                    file, "it is there twice: leave one.", sheet=sheet, row=1, column=headers[0]
                )
            if found:
                self._index[name] = found[0]
            elif name not in optional:
                known = ", ".join(text(one) for one in header if text(one)) or "nothing"
                raise InputError(
                    file,
                    f"it is missing: the first row has {known[:200]}.",
                    sheet=sheet,
                    row=1,
                    column=headers[0],
                )

    def cell(self, row: Sequence[Any], name: str) -> Any:
        """Return a cell of a row; "" where the row is too short or the column is missing."""
        index = self._index.get(name, -1)
        return row[index] if 0 <= index < len(row) else ""

    def text(self, row: Sequence[Any], name: str) -> str:
        """Return a cell as a text."""
        return text(self.cell(row, name))

    @property
    def last(self) -> int:
        """Return the place of the last known column."""
        return max(self._index.values(), default=-1)
