"""CSV as RFC 4180 has it: commas, quotes where needed, lines that end with CR LF."""

import csv
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import BinaryIO
from uuid import UUID

from django_system_ops.exceptions import FormatError
from django_system_ops.formats.buffer import TextBuffer
from django_system_ops.formats.cells import guarded_value, json_text, unguarded_cell
from django_system_ops.formats.rows import BadRow, Item, Limits, Row, Value
from django_system_ops.formats.source import Source

__all__ = ["CsvWriter", "read_csv"]

_NESTED = (list, dict)
_PLAIN = {type(None), bool, int, float, Decimal, datetime, date, time, UUID}
_PLAIN_AND_TEXT = _PLAIN | {str}


def read_csv(file: BinaryIO, limits: Limits, *, guarded: bool) -> Iterator[Item]:
    """Yield the rows below the header; an empty line is none."""
    # One number for the whole process: it is only ever made larger.
    csv.field_size_limit(max(csv.field_size_limit(), limits.field_chars))
    source = Source(file, limits)
    reader = csv.reader(source.lines(), strict=True)
    header: list[str] | None = None
    while True:
        line = source.line + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise FormatError(_explained(error), line=line) from error
        if cells is None:
            break
        if not cells:
            continue
        if header is None:
            header = _checked(cells, line, limits)
        elif reason := _problem(cells, header, limits):
            yield BadRow(line, source.offset, reason)
        else:
            values = map(unguarded_cell, cells) if guarded else (one or None for one in cells)
            yield Row(line, source.offset, dict(zip(header, values, strict=True)))
    if header is None:
        raise FormatError("the file is empty: its first line has to name the fields.")


class CsvWriter:
    """Writes a header and rows; with ``guard``, texts as cells that are no formulas."""

    def __init__(self, sink: BinaryIO, fields: Sequence[str], *, guard: bool) -> None:
        self._buffer, self._guard = TextBuffer(sink), guard
        self._writer = csv.writer(self._buffer)
        self._writer.writerow(fields)

    def write(self, values: Sequence[Value]) -> None:
        """Write a row."""
        # The types first: most cells need nothing, and a call for each would cost twice as much.
        plain = _PLAIN if self._guard else _PLAIN_AND_TEXT
        self._writer.writerow([one if type(one) in plain else self._cell(one) for one in values])

    def _cell(self, value: object) -> object:
        if isinstance(value, _NESTED):
            return json_text(value)
        return guarded_value(value) if self._guard else value

    def finish(self) -> None:
        """Write what is left."""
        self._buffer.flush()

    def abandon(self) -> None:
        """Write no more."""


def _checked(header: list[str], line: int, limits: Limits) -> list[str]:
    if len(header) > limits.columns:
        raise FormatError(f"{len(header)} fields, and at most {limits.columns} may be.", line=line)
    for place, name in enumerate(header, 1):
        if not name:
            raise FormatError(f"column {place} of the header has no name.", line=line)
    for name in header:
        if header.count(name) > 1:
            raise FormatError(f"the header names {name!r} twice.", line=line)
    if len(header) == 1 and (other := next((one for one in ";\t" if one in header[0]), "")):
        raise FormatError(f"the header is separated by {other!r}: save it with commas.", line=line)
    return header


def _problem(cells: list[str], header: list[str], limits: Limits) -> str:
    if len(cells) != len(header):
        return f"it has {len(cells)} cells, and the header {len(header)}."
    longest = max(range(len(cells)), key=lambda place: len(cells[place]))
    if len(cells[longest]) > limits.field_chars:
        return f"{header[longest]!r} is longer than {limits.field_chars:,} characters."
    return ""


def _explained(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quote is opened and never closed: the end of the file is missing."
    if "field larger" in text:
        return "a cell is too long, or a quote is opened and never closed."
    if "new-line character" in text:
        return "a carriage return stands in a cell without quotes: end lines with a line feed."
    return f"the quotes are wrong: {text}."
