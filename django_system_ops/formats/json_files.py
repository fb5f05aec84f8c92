"""JSON: lines of objects, or one array of them."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from django_system_ops.exceptions import FormatError
from django_system_ops.formats.buffer import ByteBuffer
from django_system_ops.formats.json_objects import ObjectReader, object_bytes
from django_system_ops.formats.rows import BadRow, Item, Limits, Row, Value
from django_system_ops.formats.source import Source

__all__ = ["JsonLinesWriter", "JsonWriter", "read_json", "read_json_lines"]

# The longest that can be cut in two: a character written as two escapes.
_LONGEST_WORD = 12
_SPACE = re.compile(r"[ \t\r\n]*")


def read_json_lines(file: BinaryIO, limits: Limits) -> Iterator[Item]:
    """Yield an object for each line; an empty line is none."""
    source, objects = Source(file, limits), ObjectReader(limits)
    for data, text in source.lines_in_both():
        if text.isspace():
            continue
        found = objects.line(data, text)
        if isinstance(found, str):
            yield BadRow(source.line, source.offset, found)
        else:
            yield Row(source.line, source.offset, found)


def read_json(file: BinaryIO, limits: Limits) -> Iterator[Item]:
    """
    Yield the objects of an array.

    Not with ijson: its parser writes a question mark in place of half a character, and does not
    say where an object ends.
    """
    text, objects = _Text(Source(file, limits), limits), ObjectReader(limits)
    if text.peek() != "[":
        raise text.error("the file is no JSON array: it has to begin with [.")
    text.move(text.at + 1)
    if text.peek() == "]":
        text.move(text.at + 1)
    else:
        yield from _elements(text, objects)
    if text.peek():
        raise text.error("there is something behind the end of the array.")


def _elements(text: "_Text", objects: ObjectReader) -> Iterator[Item]:
    while True:
        text.peek()
        line = text.line
        found = text.element(objects)
        if isinstance(found, str):
            yield BadRow(line, text.offset, found)
        else:
            yield Row(line, text.offset, found)
        mark = text.peek()
        if mark not in {",", "]"}:
            raise text.error(
                "the file ends in the middle of the array."
                if not mark
                else f"a comma or ] should be here, and not {mark!r}."
            )
        text.move(text.at + 1)
        if mark == "]":
            return


class JsonLinesWriter:
    """Writes an object to a line."""

    def __init__(self, sink: BinaryIO, fields: Sequence[str]) -> None:
        self._buffer, self._fields, self._bytes = ByteBuffer(sink), fields, object_bytes()

    def write(self, values: Sequence[Value]) -> None:
        """Write a row."""
        self._buffer.write(self._bytes(self._fields, values) + b"\n")

    def finish(self) -> None:
        """Write what is left."""
        self._buffer.flush()

    def abandon(self) -> None:
        """Write no more."""


class JsonWriter:
    """Writes an array with an object to a line."""

    def __init__(self, sink: BinaryIO, fields: Sequence[str]) -> None:
        self._buffer, self._fields, self._bytes = ByteBuffer(sink), fields, object_bytes()
        self._before = b"[\n"

    def write(self, values: Sequence[Value]) -> None:
        """Write a row."""
        self._buffer.write(self._before + self._bytes(self._fields, values))
        self._before = b",\n"

    def finish(self) -> None:
        """Write the end of the array."""
        self._buffer.write(b"[]\n" if self._before == b"[\n" else b"\n]\n")
        self._buffer.flush()

    def abandon(self) -> None:
        """Write no more."""


class _Text:
    """
    The part of a file that is being looked at.

    Attributes:
        at: where in that part the next character is.
        line: the line of it.
        offset: its place in the file, in bytes.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source, self._limits, self._chunks = source, limits, source.chunks()
        self._text = ""
        self.at, self.line = 0, 1
        self._bytes = 0

    @property
    def offset(self) -> int:
        return self._bytes + self._source.mark

    def peek(self) -> str:
        """Move over space, and return the next character; nothing at the end of the file."""
        while True:
            self.move(_SPACE.match(self._text, self.at).end())  # type: ignore[union-attr]  # it matches nothing, too
            if self.at < len(self._text):
                return self._text[self.at]
            if not self._fill():
                return ""

    def move(self, end: int) -> None:
        """Leave what is before ``end`` behind."""
        passed = self._text[self.at : end]
        self.line += passed.count("\n")
        self._bytes += len(passed.encode())
        self.at = end

    def element(self, objects: ObjectReader) -> dict[str, Value] | str:
        """Return the object that begins here, or what is wrong with it, and move behind it."""
        while True:
            try:
                value, end = objects.next(self._text, self.at)
            except json.JSONDecodeError as error:
                if self._may_go_on(error) and self._fill():
                    continue
                line = self.line + self._text.count("\n", self.at, error.pos)
                raise FormatError(
                    f"the JSON is broken or ends too early: {error.msg}.", line=line
                ) from None
            if end == len(self._text) and self._fill():
                continue  # a number may go on
            self.move(end)
            return objects.checked(value)

    def error(self, reason: str) -> FormatError:
        return FormatError(reason, line=self.line)

    def _may_go_on(self, error: json.JSONDecodeError) -> bool:
        """Return whether the error may be that the rest is not read yet."""
        if error.msg.startswith("Unterminated") or len(self._text) - error.pos <= _LONGEST_WORD:
            return True
        rest = _SPACE.match(self._text, error.pos)
        return rest is not None and rest.end() == len(self._text)

    def _fill(self) -> bool:
        """Read as much again as is there; return whether there was more."""
        rest = self._text[self.at :]
        if len(rest) > self._limits.row_bytes:
            raise self.error(f"an object is longer than {self._limits.row_bytes:,} characters.")
        parts, size = [rest], 0
        # Twice as much each time, so that a long object is not read again for each piece of it.
        while size <= len(rest) and (chunk := next(self._chunks, "")):
            parts.append(chunk)
            size += len(chunk)
        self._text, self.at = "".join(parts), 0
        return size > 0
