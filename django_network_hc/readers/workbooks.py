"""
Workbooks, opened with care: what is inside counts, and not what the file is called.

python-calamine reads a hundred thousand rows in a second, where openpyxl takes half a minute. It
knows nothing of styles and comments, which no reader here needs.
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from django_network_hc.exceptions import InputError

__all__ = ["IGNORE_LIMITS", "REPORT_LIMITS", "TRACKER_LIMITS", "Limits", "Workbook"]

_MAGIC = b"PK\x03\x04"
_OLD_MAGIC = b"\xd0\xcf\x11\xe0"
_MACROS = "vbaproject.bin"

# calamine makes a rectangle of all that lies between the cells: one far away takes all memory.
_FAR = re.compile(rb"""\sr=["'](?:[A-Za-z]{3,}[0-9]|[A-Za-z]*([0-9]{6,}))""")
_WIDE = re.compile(rb"""\sr=["'][A-Za-z]{2}[0-9]""")
_SHEET = re.compile(r"""<(?:\w+:)?sheet\s[^>]*>""")
_RELATION = re.compile(r"""<(?:\w+:)?Relationship\s[^>]*>""")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_MOST_CELLS = 60_000_000
_CHUNK = 1 << 20
_OVERLAP = 200


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
    unpacked_mb: float = 1000
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

    def __init__(self, path: Path, limits: Limits = REPORT_LIMITS, *, name: str = "") -> None:
        self.name, self._path = name or path.name, path
        _check(path, self.name, limits)
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
        _check_extent(self.name, self._path, sheet)
        try:
            found = self._book.get_sheet_by_name(sheet)
            # One at a time: a large sheet as lists takes more memory than all that is kept of it.
            yield from found.iter_rows()
        except CalamineError as error:
            raise InputError(self.name, f"it cannot be read: {error}", sheet=sheet) from error


def _check(path: Path, name: str, limits: Limits) -> None:
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
            _check_parts(name, parts, size, limits)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error) as error:
        raise InputError(name, f"it is damaged: {error}") from error


def _check_parts(name: str, parts: Sequence[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    if any(one.flag_bits & 1 for one in parts):
        raise InputError(name, "it is encrypted: save it without a password.")
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


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """Return the part that holds a sheet; None when the workbook does not say it plainly."""
    try:
        book = archive.read("xl/workbook.xml").decode()
        relations = archive.read("xl/_rels/workbook.xml.rels").decode()
    except (KeyError, UnicodeDecodeError):
        return None
    targets = {
        given.get("Id"): given.get("Target", "")
        for given in map(_attributes, _RELATION.findall(relations))
    }
    for given in map(_attributes, _SHEET.findall(book)):
        if given.get("name") == sheet:
            target = targets.get(next((v for k, v in given.items() if k.endswith(":id")), None), "")
            return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
    return None


def _attributes(tag: str) -> dict[str, str]:
    found = _ATTRIBUTE.findall(tag)
    return {name: unescape(double or single) for name, double, single in found}


def _check_extent(name: str, path: Path, sheet: str) -> None:
    """Refuse a sheet whose cells lie so far apart that nobody could hold what lies between."""
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, sheet)
        parts = [one for one in archive.namelist() if one.casefold().startswith("xl/worksheets/")]
        for one in [part] if part in parts else parts:
            rows = _last_row(name, archive, one, sheet)
            # Two letters of a column are looked for only where they would matter.
            columns = 702 if rows * 702 > _MOST_CELLS and _is_wide(archive, one) else 26
            if rows * columns > _MOST_CELLS:
                raise InputError(
                    name,
                    f"it reaches to row {rows:,}: clear what lies outside of the table.",
                    sheet=sheet,
                )


def _last_row(name: str, archive: zipfile.ZipFile, part: str, sheet: str) -> int:
    """Return the last row where there are a hundred thousand or more, and that otherwise."""
    rows = 100_000
    for text in _chunks(archive, part):
        for found in _FAR.finditer(text):
            if found[1] is None:
                raise InputError(
                    name,
                    "it has a cell beyond column ZZ: clear what lies outside of the table.",
                    sheet=sheet,
                )
            rows = max(rows, int(found[1][:12]))
    return rows


def _is_wide(archive: zipfile.ZipFile, part: str) -> bool:
    return any(_WIDE.search(text) for text in _chunks(archive, part))


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Yield a part piece by piece, each with the end of the one before."""
    rest = b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            yield rest + chunk
            rest = chunk[-_OVERLAP:]
