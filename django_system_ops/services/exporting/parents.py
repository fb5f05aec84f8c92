"""
Rows that lead to rows of their own table, each behind those that it leads to.

Whoever reads a file from its beginning then finds what a row leads to. Most rows are behind their
parents by their keys; the keys of the others are kept in memory, and their rows come at the end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import models

__all__ = ["ParentsFirst"]

_Row = tuple[Any, ...]


class ParentsFirst:
    """
    Puts rows behind their parents; those of a circle are in no order.

    Attributes:
        columns: what rows need to have behind the columns that are asked for.
    """

    def __init__(self, model: type[models.Model], names: Sequence[str]) -> None:
        fields = [model._meta.get_field(name) for name in names]
        # By the primary key, whatever the foreign key holds.
        self.columns = [f"{one.name}__pk" for one in fields if _leads_to(model, one)]
        self._width = 1 + len(names)

    def sorted(
        self,
        batches: Iterable[list[_Row]],
        find: Callable[[Iterator[Any]], Iterator[list[_Row]]],
    ) -> Iterator[list[_Row]]:
        """Yield rows of batches, without ``columns``; ``find`` gives those of keys once more."""
        if not self.columns:
            yield from batches
            return
        waiting: dict[Any, list[Any]] = {}
        for batch in batches:
            ready = []
            for row in batch:
                parents = [one for one in row[self._width :] if _is_behind(one, row[0], waiting)]
                if parents:
                    waiting[row[0]] = parents
                else:
                    ready.append(row[: self._width])
            if ready:
                yield ready
        for batch in find(_in_order(waiting)):
            yield [row[: self._width] for row in batch]


def _leads_to(model: type[models.Model], field: Any) -> bool:
    related = field.related_model if isinstance(field, models.ForeignKey) else None
    return isinstance(related, type) and (
        related._meta.concrete_model is model._meta.concrete_model
    )


def _is_behind(parent: Any, key: Any, waiting: Mapping[Any, Any]) -> bool:
    """Return whether a parent comes behind the row of a key, or might."""
    if parent is None or parent == key:
        return False
    # Only of numbers is it known how the database sorts them.
    is_before = isinstance(parent, int) and parent < key
    return parent in waiting or not is_before


def _in_order(waiting: Mapping[Any, list[Any]]) -> Iterator[Any]:
    """Yield the keys, each behind its parents among them."""
    done: set[Any] = set()
    begun: set[Any] = set()
    for first in waiting:
        path = [first]
        while path:
            key = path[-1]
            parents = [one for one in waiting[key] if one in waiting and one not in begun]
            if key not in begun and parents:
                begun.add(key)
                path += parents
                continue
            path.pop()
            begun.add(key)
            if key not in done:
                done.add(key)
                yield key
