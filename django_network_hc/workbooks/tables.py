"""A table that fills a sheet."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

__all__ = ["Column", "Kind", "Table"]


class Kind(Enum):
    """What a column holds; a cell of another kind is written as what it is."""

    TEXT = "@"
    NUMBER = "0"
    DAY = "d-mmm-yy"


class Column(NamedTuple):
    """A column: its header, a text or a day, its width in letters, and what it holds."""

    header: Any
    width: float = 12
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Table:
    """
    A sheet with a header and rows.

    Attributes:
        rows: as long as there are columns; shorter ones are blank at their end.
        comments: on cells, by row and column from 0, the header being row 0.
        colours: of cells, such as FFC0CB, by row and column.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]] = field(repr=False)
    comments: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)
    colours: dict[tuple[int, int], str] = field(default_factory=dict, repr=False)
