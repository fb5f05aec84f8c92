"""
Cells as SpreadsheetML has them (ECMA-376 part 1, 18.3.1.4), one text each.

Texts stand in the cell itself and are texts whatever they begin with: a finding that looks like a
formula is none.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

__all__ = ["LONGEST_TEXT", "Style", "cell", "column_name"]

#: More does not fit into a cell of Excel.
LONGEST_TEXT = 32_767

_EPOCH = date(1899, 12, 30).toordinal()
# What XML has no place for, and what Excel would read as such a character written out.
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})


class Style(NamedTuple):
    """The numbers of two formats: that of a cell, and that of a day in it."""

    usual: str
    day: str


def cell(column: str, row: int, style: Style, value: Any) -> str:
    """
    Return a cell.

    Args:
        column: its letters.
        row: its number, from 1.
        style: its formats.
        value: a text, a number, a truth, a day, or None for a blank one.
    """
    # The kinds of a tracker's millions of cells first, by their class alone.
    kind = value.__class__
    if kind is str and value:
        return f'<c r="{column}{row}" s="{style[0]}" t="inlineStr"><is>{_text(value)}</is></c>'
    if value is None or value == "":
        return f'<c r="{column}{row}" s="{style[0]}"/>'
    if kind is int or kind is float:
        return f'<c r="{column}{row}" s="{style[0]}"><v>{value!r}</v></c>'
    return _other(f"{column}{row}", style, value)


def _other(place: str, style: Style, value: Any) -> str:
    if isinstance(value, date):
        return f'<c r="{place}" s="{style.day}"><v>{value.toordinal() - _EPOCH}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" s="{style.usual}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" s="{style.usual}" t="inlineStr"><is>{_text(str(value))}</is></c>'
    return f'<c r="{place}" s="{style.usual}"><v>{value!r}</v></c>'


def column_name(index: int) -> str:
    """Return the letters of a column, from 0: A, Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


@lru_cache(maxsize=65_536)
def _text(value: str) -> str:
    """Return a text with its markup; the same ones come again and again."""
    value = value[:LONGEST_TEXT]
    if _ODD.search(value):
        value = _ODD.sub(_written_out, value)
    is_padded = value != value.strip() or "\n" in value
    space = ' xml:space="preserve"' if is_padded else ""
    return f"<t{space}>{value.translate(_MARKUP)}</t>"


def _written_out(found: "re.Match[str]") -> str:
    code = ord(found[0])
    # Halves of characters have no meaning at all.
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else f"_x{code:04X}_"
