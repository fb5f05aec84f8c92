"""In which order tables lose their rows, and what goes with what."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["Link", "Order", "Trace", "children_first"]

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class Link(Generic[T]):
    """Rows of ``child`` point at rows of ``parent``; ``name`` is the column that does."""

    child: T
    parent: T
    name: str = ""
    is_nullable: bool = False


@dataclass(frozen=True)
class Order(Generic[T]):
    """
    An order in which nothing points at what is gone.

    ``loose`` are the links that close a circle: where the database checks each statement, they
    have to be set to NULL first.
    """

    nodes: tuple[T, ...]
    loose: tuple[Link[T], ...]


def children_first(nodes: Sequence[T], links: Iterable[Link[T]]) -> Order[T]:
    """
    Return the nodes so that what points at others comes before them, as far as that can be.

    A circle is cut at a link that may be NULL. One that has none stays a circle: its nodes come in
    the order given, and a database that defers its checks to the commit takes that.
    """
    left, known = list(nodes), set(nodes)
    open_links = [link for link in links if {link.child, link.parent} <= known]
    loose = [link for link in open_links if link.child == link.parent and link.is_nullable]
    open_links = [link for link in open_links if link.child != link.parent]
    ordered: list[T] = []
    while left:
        pointed_at = {link.parent for link in open_links}
        free = [node for node in left if node not in pointed_at]
        if not free:
            cut = next((link for link in open_links if link.is_nullable), None)
            if cut is not None:
                loose.append(cut)
                open_links.remove(cut)
                continue
            free = left[:1]
        ordered += free
        gone = set(free)
        left = [node for node in left if node not in gone]
        open_links = [link for link in open_links if not {link.child, link.parent} & gone]
    return Order(tuple(ordered), tuple(loose))


@dataclass
class Trace(Generic[T]):
    """Which row takes which with it; a row may be taken by several, and in circles."""

    _takers: dict[T, list[T]] = field(default_factory=dict)
    _taken: dict[T, list[T]] = field(default_factory=dict)

    def add(self, taken: T, taker: T) -> None:
        """Remember that ``taken`` goes when ``taker`` goes."""
        self._takers.setdefault(taken, []).append(taker)
        self._taken.setdefault(taker, []).append(taken)

    def takers(self, rows: Iterable[T]) -> set[T]:
        """Return the rows and all that would take one of them along."""
        return _reach(rows, self._takers)

    def taken(self, rows: Iterable[T]) -> set[T]:
        """Return the rows and all that would go with one of them."""
        return _reach(rows, self._taken)


def _reach(rows: Iterable[T], neighbours: dict[T, list[T]]) -> set[T]:
    found = set(rows)
    waiting = list(found)
    while waiting:
        for other in neighbours.get(waiting.pop(), ()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
