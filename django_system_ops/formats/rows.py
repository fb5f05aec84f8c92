"""What a file is read into: rows, rows that cannot be read, and how much is too much."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

__all__ = ["BadRow", "Item", "Limits", "Row", "Value"]

#: What a row has under a name; lists and objects come from JSON alone.
Value: TypeAlias = bool | int | float | Decimal | str | list[Any] | dict[str, Any] | None


@dataclass(frozen=True)
class Row:
    """
    One row of a file.

    Attributes:
        line: its first line, from 1.
        offset: how many bytes of the file are read when it is; of xml, how many rows.
        values: by the names of the fields, in the order of the file.
    """

    line: int
    offset: int
    values: dict[str, Value]


@dataclass(frozen=True)
class BadRow:
    """
    A row that cannot be read, behind which reading goes on.

    Attributes:
        line, offset: as those of a :class:`Row`.
        reason: what is wrong with it, a sentence.
    """

    line: int
    offset: int
    reason: str


Item: TypeAlias = Row | BadRow


@dataclass(frozen=True)
class Limits:
    """
    How much is too much: beyond it a file is refused, before it fills the memory.

    Attributes:
        rows: of a file.
        bytes: of a file.
        row_bytes: of one row, and of what stands between two.
        columns: how many fields a row may have.
        field_chars: how long one text may be.
        nesting: how deep lists and objects, or elements of XML, may stand in each other.
    """

    rows: int = 100_000_000
    bytes: int = 100 * 2**30
    row_bytes: int = 16 * 2**20
    columns: int = 1000
    field_chars: int = 4_000_000
    nesting: int = 64
