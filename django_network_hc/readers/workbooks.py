"""
Workbooks, opened with care: what is inside counts, and not what the file is called.

python-calamine reads a hundred thousand rows in a second, where openpyxl takes half a minute. It
knows nothing of styles and comments, which no reader here needs.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from django_network_hc.exceptions import InputError

__all__ = ["IGNORE_LIMITS", "REPORT_LIMITS", "TRACKER_LIMITS", "Limits", "Workbook"]

_MAGIC = b"PK\x03\x04"
_OLD_MAGIC = b"\xd0\xcf\x11\xe0"
_MACROS = "vbaproject.bin"


@dataclass(frozen=True)
class Limits:
    """
    How large a workbook may be.

    Attributes:
        file_mb: the file itself.
        unpacked_mb: all of its parts.
        ratio: how much smaller than its content a part of more than a megabyte may be.
    """

    file_mb: float = 100
    unpacked_mb: float = 2000
    ratio: float = 200


#: Of a report, a tracker, and a list of ignored findings.
REPORT_LIMITS = Limits()
TRACKER_LIMITS = Limits(file_mb=50)
IGNORE_LIMITS = Limits(file_mb=10)


class Workbook:
    """
    An .xlsx file; its sheets are read when they are asked for.

    Raises:
        InputError: it is no workbook, has macros, or is larger than the limits.
    """

    def __init__(self, path: Path, limits: Limits = REPORT_LIMITS) -> None:
        self.name = path.name
        _check(path, limits)
        try:
            self._book = CalamineWorkbook.from_path(path)
        except (CalamineError, OSError, ValueError) as error:
            raise InputError(self.name, f"it cannot be read as a workbook: {error}") from error

    @property
    def sheets(self) -> list[str]:
        """Return the names of the sheets."""
        return list(self._book.sheet_names)

    def has(self, sheet: str) -> bool:
        """Return whether there is a sheet of that name."""
        return sheet in self._book.sheet_names

    def rows(self, sheet: str) -> Iterator[Sequence[Any]]:
        """
        Yield the rows of a sheet, the first of it first, blank ones included.

        Raises:
            InputError: there is no such sheet, or it cannot be read.
        """
        if not self.has(sheet):
            known = ", ".join(self.sheets[:10])
            raise InputError(self.name, f"there is no such sheet; it has {known}.", sheet=sheet)
        try:
            found = self._book.get_sheet_by_name(sheet)
            # One at a time: a large sheet as lists takes more memory than all that is kept of it.
            yield from found.iter_rows()
        except CalamineError as error:
            raise InputError(self.name, f"it cannot be read: {error}", sheet=sheet) from error


def _check(path: Path, limits: Limits) -> None:
    name = path.name
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InputError(name, f"it cannot be opened: {error.strerror}.") from error
    if size == 0:
        raise InputError(name, "it is empty.")
    if size > limits.file_mb * 1e6:
        raise InputError(name, f"it has {size / 1e6:,.0f} MB; {limits.file_mb:g} MB are the most.")
    if magic == _OLD_MAGIC:
        raise InputError(name, "it is an old .xls or is encrypted: save it as .xlsx without one.")
    if magic != _MAGIC:
        raise InputError(name, "it is no .xlsx workbook, whatever it is called.")
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(name, f"it is damaged: {error}") from error
    names = {one.filename.casefold() for one in parts}
    if "[content_types].xml" not in names or not any(one.startswith("xl/") for one in names):
        raise InputError(name, "it is a zip archive, and no workbook.")
    if any(one.endswith(_MACROS) for one in names):
        raise InputError(name, "it has macros: save it as .xlsx without them.")
    unpacked = sum(one.file_size for one in parts)
    bombs = [
        one
        for one in parts
        if one.file_size > 1e6 and one.file_size > limits.ratio * max(one.compress_size, 1)
    ]
    if unpacked > limits.unpacked_mb * 1e6 or bombs:
        raise InputError(
            name,
            f"it unpacks to {unpacked / 1e6:,.0f} MB from {size / 1e6:,.1f} MB: that is no report.",
        )
