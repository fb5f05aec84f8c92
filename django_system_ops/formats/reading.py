"""The readers of all formats behind one name."""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from django_system_ops.exceptions import FormatError
from django_system_ops.formats.csv_files import read_csv
from django_system_ops.formats.json_files import read_json, read_json_lines
from django_system_ops.formats.names import FORMATS
from django_system_ops.formats.rows import Item, Limits
from django_system_ops.formats.xml_files import read_xml

__all__ = ["read_rows"]


def read_rows(
    source: BinaryIO,
    format: str,
    *,
    limits: Limits = Limits(),  # noqa: B008  # it is frozen
    guarded: bool = False,
    skip: int = 0,
) -> Iterator[Item]:
    """
    Yield the rows of a file, and a BadRow in place of each that cannot be read.

    Args:
        source: open for reading bytes, at its beginning; it is not closed.
        format: csv, json, jsonl or xml.
        limits: how much is too much.
        guarded: whether its cells were guarded from being formulas (csv alone).
        skip: how many of the first rows, bad ones counted, are left out.

    Raises:
        FormatError: the file cannot be read further; rows before that have been yielded.
        SystemOpsError: a library is missing.
    """
    return islice(_counted(_reader(source, format, limits, guarded=guarded), limits), skip, None)


def _reader(source: BinaryIO, format: str, limits: Limits, *, guarded: bool) -> Iterator[Item]:
    if format == "csv":
        return read_csv(source, limits, guarded=guarded)
    if format == "json":
        return read_json(source, limits)
    if format == "jsonl":
        return read_json_lines(source, limits)
    if format == "xml":
        return read_xml(source, limits)
    if format == "xlsx":
        raise FormatError("xlsx is only written: save the sheet as csv.")
    raise FormatError(f"there is no format {format!r}, but {', '.join(FORMATS)}.")


def _counted(items: Iterator[Item], limits: Limits) -> Iterator[Item]:
    for number, item in enumerate(items, 1):
        if number > limits.rows:
            raise FormatError(f"the file has more than {limits.rows:,} rows.", line=item.line)
        yield item
