"""Which of the rows that were made may go, and which are held."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Set
from typing import Any

from django_system_ops.services.seeding.pointers import Model, Pointer, pointers_at

__all__ = ["Going"]


class Going:
    """
    The keys of rows that go, by their models, once it is known which of them stay.

    A row stays if one that stays points at it. What people have made theirs stays with its
    contents: the rows that would go with it by a cascade, theirs, and so on.

    Attributes:
        keys: those that go.
        held: how many stay because a row that stays points at them, by the names of the columns.
        hanging: how many of each model stay because they are contents.
    """

    def __init__(
        self,
        keys: Mapping[Model, Set[Any]],
        *,
        using: str,
        noted: Mapping[Model, Collection[Any]] | None = None,
        with_contents: bool = True,
    ) -> None:
        """Take what may go, and all that was ever made: what is not among that is somebody's."""
        self.keys = {model: set(pks) for model, pks in keys.items()}
        self.held: dict[str, int] = defaultdict(int)
        self.hanging: dict[str, int] = defaultdict(int)
        self._made = {model: frozenset(pks) for model, pks in keys.items()}
        self._noted = noted or {}
        self._theirs: dict[Model, set[Any]] = defaultdict(set)
        self._using, self._with_contents = using, with_contents

    def leave(self, rows: Mapping[Model, Set[Any]]) -> None:
        """Leave rows out that are somebody's by now, with their contents."""
        for model, pks in rows.items():
            self._take_out(model, pks)
        waiting = [(model, set(pks)) for model, pks in rows.items()]
        while waiting and self._with_contents:
            model, some = waiting.pop()
            some -= self._theirs[model]
            self._theirs[model] |= some
            for pointer in pointers_at(model) if some else ():
                made = self._made.get(pointer.model)
                if made and pointer.is_content:
                    pairs = pointer.pairs(some, using=self._using)
                    contents = {source for source, _target in pairs if source in made}
                    if count := self._take_out(pointer.model, contents):
                        self.hanging[pointer.model._meta.label] += count
                    waiting.append((pointer.model, contents))

    def settle(self, between: Callable[[], None] = lambda: None) -> None:
        """Leave out what rows that stay point at, until no other has to be."""
        is_settled = False
        while not is_settled:
            is_settled = True
            for model, keys in self.keys.items():
                for pointer in pointers_at(model):
                    between()
                    held, by_others = self._held(pointer, keys)
                    if count := self._take_out(model, held):
                        self.held[pointer.label] += count
                        is_settled = False
                    self.leave({model: by_others})

    def _held(self, pointer: Pointer, pks: set[Any]) -> tuple[set[Any], set[Any]]:
        """Return what is pointed at by a row that stays, and what of that by somebody's."""
        going, noted = self.keys.get(pointer.model), self._noted.get(pointer.model, ())
        if not going and not noted:
            held = pointer.targets(pks, using=self._using)
            return held, held
        by_others: set[Any] = set()
        held = set()
        for source, target in pointer.pairs(pks, using=self._using):
            if not going or source not in going:
                held.add(target)
                if source not in noted:
                    by_others.add(target)
        return held, by_others

    def _take_out(self, model: Model, pks: Set[Any]) -> int:
        keys = self.keys[model]
        before = len(keys)
        keys -= pks
        return before - len(keys)
