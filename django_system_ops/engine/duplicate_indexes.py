"""Which indexes another one makes redundant, and which only look as if."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["Index", "Redundancy", "redundancies"]


@dataclass(frozen=True)
class Index:
    """
    An index.

    Attributes:
        keys: each column or expression with what belongs to it: operator class, collation, order.
        predicate: of a partial one; empty for the whole table.
        included: columns that are only stored in it.
        has_null_twice: of a unique one, whether NULL may be in it more than once.
        is_bound: whether something else stands on it: a constraint, or replication.
    """

    table: str
    name: str
    keys: tuple[str, ...]
    method: str = "btree"
    predicate: str = ""
    included: frozenset[str] = frozenset()
    is_unique: bool = False
    has_null_twice: bool = True
    is_bound: bool = False


@dataclass(frozen=True)
class Redundancy:
    """
    ``index`` does nothing that ``other`` does not do.

    ``is_exact`` when both are the same; else ``index`` is the beginning of ``other``, which is
    larger: a query that needs no more may be slower with it. ``may_go`` is False when something
    else stands on ``index`` too.
    """

    index: Index
    other: Index
    is_exact: bool
    may_go: bool = True


def redundancies(indexes: Iterable[Index]) -> Iterator[Redundancy]:
    """Yield what is redundant among the indexes, in the order of tables and names."""
    by_table: dict[str, list[Index]] = defaultdict(list)
    for one in indexes:
        by_table[one.table].append(one)
    for table in sorted(by_table):
        those = sorted(by_table[table], key=_worth)
        for at, index in enumerate(those):
            # Those before it are worth more: of two that are the same only one is named.
            exact = next((one for one in those[:at] if _is_same(index, one)), None)
            if exact is not None:
                yield Redundancy(index, exact, is_exact=True, may_go=not index.is_bound)
            elif longer := next((one for one in those if _begins(index, one)), None):
                yield Redundancy(index, longer, is_exact=False)


def _worth(index: Index) -> tuple[bool, bool, str]:
    return (not index.is_bound, not index.is_unique, index.name)


def _is_same(index: Index, other: Index) -> bool:
    """Return whether ``other`` does all that ``index`` does, with the very same keys."""
    return (
        (index.method, index.keys, index.predicate, index.included)
        == (other.method, other.keys, other.predicate, other.included)
        # A plain one beside a unique one is redundant; the other way round it is not.
        and (not index.is_unique or other.is_unique)
        and (not index.is_unique or index.has_null_twice == other.has_null_twice)
    )


def _begins(index: Index, other: Index) -> bool:
    """Return whether ``index`` is the beginning of ``other``; a unique one says more than that."""
    return (
        not index.is_unique
        and not index.is_bound
        and index.method == other.method == "btree"
        and index.predicate == other.predicate
        and index.included <= other.included
        and len(index.keys) < len(other.keys)
        and other.keys[: len(index.keys)] == index.keys
    )
