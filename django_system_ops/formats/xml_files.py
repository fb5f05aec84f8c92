"""
XML: an element for each row, and in it one for each field.

We write ``<rows name="chats"><row><field name="title">…</field></row></rows>``. A field that is
nothing has ``null="true"``; one with characters that XML cannot hold has ``encoding="base64"``,
and its text is UTF-8 in base64. Any file of this depth is read: the fields of others may be
attributes of the row, or elements named after them.

Source: XML 1.0, section 2.2 (characters) and 2.11 (ends of lines).
"""

import base64
import binascii
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

from django_system_ops.exceptions import FormatError, SystemOpsError
from django_system_ops.formats.buffer import TextBuffer
from django_system_ops.formats.cells import json_text
from django_system_ops.formats.rows import BadRow, Item, Limits, Row, Value
from django_system_ops.formats.source import Source

__all__ = ["XmlWriter", "read_xml"]

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ODD = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')  # either of the two
_SPECIAL = re.compile('[&<>"\r\n\t]')
# A bare carriage return would come back as a line feed, and either as a space in an attribute.
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#9;",
}
_ROOT, _ROW, _FIELD = 1, 2, 3
_NESTED = (list, dict)
_ATTRIBUTES = {"name", "null", "encoding"}


def read_xml(file: BinaryIO, limits: Limits) -> Iterator[Item]:
    """Yield the elements below the root."""
    try:
        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import DefusedXMLParser
    except ImportError:
        raise SystemOpsError(
            "Reading XML needs the library defusedxml: install django-opskit[system-ops]."
        ) from None
    target = _Target(limits)
    parser: Any = DefusedXMLParser(target=target, forbid_dtd=True)
    target.line = lambda: int(parser.parser.CurrentLineNumber)
    fed = 0
    try:
        for text in Source(file, limits).chunks():
            # As text: what the file says of its encoding is then of no account.
            parser.feed(text)
            fed = 0 if target.ready else fed + len(text)
            yield from target.taken()
            if fed > limits.row_bytes:
                raise target.error(f"a row is longer than {limits.row_bytes:,} characters.")
        parser.close()
    except DefusedXmlException as error:
        kind = type(error).__name__
        raise target.error(f"it declares a document type or entities ({kind}): refused.") from None
    except ParseError as error:
        line, column = error.position
        said = str(error).partition(":")[0]
        raise FormatError(
            f"the XML is broken: {said}, at column {column + 1}.", line=line
        ) from None
    yield from target.taken()


@dataclass
class _RowInMaking:
    line: int
    values: dict[str, Value] = field(default_factory=dict)
    problem: str = ""

    def put(self, name: str, value: Value) -> None:
        if name in self.values:
            self.problem = self.problem or f"it has the field {name!r} twice."
        self.values[name] = value


class _Target:
    """Takes what the parser finds, and keeps finished rows only."""

    line: Callable[[], int]

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.ready: deque[Item] = deque()
        self._depth = self._count = 0
        self._names: set[str] = set()
        self._row = _RowInMaking(0)
        self._name, self._attributes = "", dict[str, str]()
        self._text: list[str] = []

    def taken(self) -> Iterator[Item]:
        """Yield the finished rows, and forget them."""
        while self.ready:
            yield self.ready.popleft()

    def error(self, reason: str) -> FormatError:
        return FormatError(reason, line=self.line())

    # What the parser calls.

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._know(tag, attributes)
        if self._depth == _ROW:
            self._begin_row(attributes)
        elif self._depth == _FIELD:
            self._stray_text()
            self._begin_field(tag, attributes)
        elif self._depth > _FIELD:
            self._row.problem = self._row.problem or f"an element stands in {self._name!r}."

    def data(self, text: str) -> None:
        if self._depth >= _ROW:
            self._text.append(text)

    def end(self, tag: str) -> None:
        if self._depth == _FIELD:
            self._end_field()
        elif self._depth == _ROW:
            self._stray_text()
            self._end_row()
        self._depth -= 1

    def close(self) -> None:
        pass

    def _know(self, tag: str, attributes: dict[str, str]) -> None:
        # The parser keeps every name that it has met.
        self._names.update((tag, *attributes))
        if len(self._names) > self._limits.columns + len(_ATTRIBUTES):
            raise self.error(f"more than {self._limits.columns} different names.")
        if self._depth > self._limits.nesting:
            raise self.error(f"elements are nested deeper than {self._limits.nesting}.")

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self._row, self._text = _RowInMaking(self.line()), []
        for name, value in attributes.items():
            self._row.put(_local(name), value)

    def _begin_field(self, tag: str, attributes: dict[str, str]) -> None:
        local = _local(tag)
        is_named = local == "field" and "name" in attributes
        self._name = attributes["name"] if is_named else local
        self._attributes = attributes
        unknown = set(attributes) - (_ATTRIBUTES if is_named else _ATTRIBUTES - {"name"})
        if unknown:
            problem = f"{self._name!r} has an attribute {min(unknown)!r}, which is no part of it."
            self._row.problem = self._row.problem or problem

    def _end_field(self) -> None:
        text, self._text = "".join(self._text), []
        try:
            value = _value(text, self._attributes, self._limits)
        except ValueError as error:
            self._row.problem = self._row.problem or f"{self._name!r} {error}."
        else:
            self._row.put(self._name, value)

    def _stray_text(self) -> None:
        if "".join(self._text).strip():
            self._row.problem = self._row.problem or "text stands outside of its fields."
        self._text = []

    def _end_row(self) -> None:
        self._count += 1
        row = self._row
        if len(row.values) > self._limits.columns:
            row.problem = row.problem or f"it has more than {self._limits.columns} fields."
        if row.problem:
            self.ready.append(BadRow(row.line, self._count, row.problem))
        else:
            self.ready.append(Row(row.line, self._count, row.values))


class XmlWriter:
    """Writes an element for each row."""

    def __init__(self, sink: BinaryIO, fields: Sequence[str], *, name: str) -> None:
        self._buffer = TextBuffer(sink)
        self._names = [f'<field name="{_escaped(one)}"' for one in fields]
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<rows name="{_escaped(name)}">\n'
        self._buffer.write(head)

    def write(self, values: Sequence[Value]) -> None:
        """Write a row."""
        parts = ["<row>"]
        for name, value in zip(self._names, values, strict=True):
            if value is None:
                parts.append(f'{name} null="true"/>')
            else:
                parts += (name, _content(value if type(value) is str else _text(value)))
        parts.append("</row>\n")
        self._buffer.write("".join(parts))

    def finish(self) -> None:
        """Write the end of the root."""
        self._buffer.write("</rows>\n")
        self._buffer.flush()

    def abandon(self) -> None:
        """Write no more."""


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _value(text: str, attributes: dict[str, str], limits: Limits) -> Value:
    """Return what the text of a field means; ValueError says what is wrong with it."""
    if (null := attributes.get("null")) is not None:
        if null != "true" or text.strip():
            raise ValueError(
                "is null and something at once"
                if text.strip()
                else f"has null={null!r}, which can only be true"
            )
        return None
    if (encoding := attributes.get("encoding")) is not None:
        if encoding != "base64":
            raise ValueError(f"has encoding={encoding!r}, which can only be base64")
        try:
            text = base64.b64decode(text, validate=True).decode("utf-8", "surrogatepass")
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("is no UTF-8 in base64") from None
    if len(text) > limits.field_chars:
        raise ValueError(f"is longer than {limits.field_chars:,} characters")
    return text


def _text(value: object) -> str:
    return json_text(value) if isinstance(value, _NESTED) else str(value)


def _content(text: str) -> str:
    """Return what follows ``<field name="…"``."""
    if _ODD.search(text) is None:
        return f">{text}</field>"
    if _FORBIDDEN.search(text):
        coded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
        return f' encoding="base64">{coded}</field>'
    return f">{_escaped(text)}</field>"


def _escaped(text: str) -> str:
    if _SPECIAL.search(text):
        return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)
    return text
