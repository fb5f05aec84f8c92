"""The writers of all formats behind one name."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from django_system_ops.exceptions import FormatError
from django_system_ops.formats.csv_files import CsvWriter
from django_system_ops.formats.json_files import JsonLinesWriter, JsonWriter
from django_system_ops.formats.names import FORMATS
from django_system_ops.formats.rows import Value
from django_system_ops.formats.xlsx_files import XlsxWriter
from django_system_ops.formats.xml_files import XmlWriter

__all__ = ["Writer", "writer_for"]


class Writer(Protocol):
    """Writes rows into a file; ends with ``finish`` or ``abandon``."""

    def write(self, values: Sequence[Value], /) -> None:
        """
        Write a row: a value for each field.

        Moments, dates, times and UUIDs may be given as they are, and become text.

        Raises:
            FormatError: the format cannot hold a value, or has no room for the row.
        """

    def finish(self) -> None:
        """Write the end of the file."""

    def abandon(self) -> None:
        """Leave it unfinished."""


def writer_for(
    format: str,
    sink: BinaryIO,
    fields: Sequence[str],
    *,
    name: str,
    guard: bool,
    scratch: Path | None = None,
) -> Writer:
    """
    Return the writer of a format.

    Args:
        format: csv, json, jsonl, xml or xlsx.
        sink: takes bytes; it is not closed.
        fields: the names of the values, in the order of the rows.
        name: what the rows are called, for the root of xml and the sheet of xlsx.
        guard: whether texts are kept from being formulas in a spreadsheet (csv and xlsx).
        scratch: the directory for what a workbook keeps on the disk until it is finished; else
            that of temporary files.

    Raises:
        FormatError: there is no such format.
        SystemOpsError: a library is missing.
    """
    if format == "csv":
        return CsvWriter(sink, fields, guard=guard)
    if format == "json":
        return JsonWriter(sink, fields)
    if format == "jsonl":
        return JsonLinesWriter(sink, fields)
    if format == "xml":
        return XmlWriter(sink, fields, name=name)
    if format == "xlsx":
        return XlsxWriter(sink, fields, name=name, guard=guard, scratch=scratch)
    raise FormatError(f"there is no format {format!r}, but {', '.join(FORMATS)}.")
