"""A table that fills a sheet."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, NamedTuple, TypeVar

__all__ = ["Column", "Kind", "Rows", "Table"]

_T = TypeVar("_T")


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


class Rows(Sequence[Sequence[Any]], Generic[_T]):
    """The rows of things, each made when it is asked for: a long sheet needs no copy of them."""

    def __init__(self, things: Sequence[_T], cells: Callable[[_T], Sequence[Any]]) -> None:
        self._things, self._cells = things, cells

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._things)

    def __getitem__(self, index: Any) -> Any:
        """Return a row."""
        return self._cells(self._things[index])

    def __iter__(self) -> Iterator[Sequence[Any]]:
        """Yield them, the first one first."""
        return map(self._cells, self._things)


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
