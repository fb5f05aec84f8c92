"""The map from old rows to new ones, kept in the database beside the rows themselves."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from django.db.models import F, Q

from django_system_ops.models import TenantMove, TenantMoveRow
from django_system_ops.services.tenant_moves.ownership import Model

__all__ = ["Journal"]

# A statement that sets so many rows to values of their own grows with their square.
_AT_ONCE = 200
_CHANGING = ["new_pk", "outcome", "values", "is_settled"]


class Journal:
    """
    What the database remembers of a pair of tenants.

    It is flat in memory: what was found waits in the table, not here.
    """

    def __init__(self, source: Any, target: Any, *, using: str, batch_size: int) -> None:
        self.using, self.batch_size = using, batch_size
        moves = TenantMove._base_manager.using(using)
        pair = {"source": str(source), "target": str(target)}
        # It writes first: SQLite lets nobody write in a transaction that another has overtaken.
        if not moves.filter(**pair).update(run=F("run") + 1):
            moves.create(**pair, run=1)
        self.move = moves.get(**pair)
        # What a run found that was refused or killed says nothing of today.
        self._all.filter(new_pk="").delete()

    def add(self, model: Model, keys: Collection[Any], *, is_whole: bool) -> None:
        """Let these rows go along; ``is_whole``, with what depends on them."""
        texts = {str(key) for key in keys}
        known = {row.old_pk: row for row in self._of(model).filter(old_pk__in=texts)}
        again = [
            row.pk
            for row in known.values()
            if row.run != self.move.run or (is_whole and not row.is_whole)
        ]
        if again:
            self._all.filter(pk__in=again).update(
                run=self.move.run, is_whole=is_whole, is_expanded=False
            )
        TenantMoveRow._base_manager.using(self.using).bulk_create(
            [
                TenantMoveRow(
                    move=self.move,
                    model=model._meta.label,
                    old_pk=text,
                    run=self.move.run,
                    is_whole=is_whole,
                )
                for text in sorted(texts - known.keys())
            ],
            batch_size=self.batch_size,
        )

    def unexpanded(self) -> list[TenantMoveRow]:
        """Return some rows that nobody has looked at yet, all of one model and wholeness."""
        rows = self._of_run.filter(is_expanded=False)
        first = rows.order_by("model").values_list("model", "is_whole").first()
        if first is None:
            return []
        return list(rows.filter(model=first[0], is_whole=first[1])[: self.batch_size])

    def mark_expanded(self, rows: Iterable[TenantMoveRow]) -> None:
        """Remember that these were looked at."""
        self._all.filter(pk__in=[row.pk for row in rows]).update(is_expanded=True)

    def pages(self, model: Model, which: Q | None = None) -> Iterator[list[TenantMoveRow]]:
        """Yield the rows of this run, some at a time, on a condition."""
        rows = self._of_run.filter(which or Q(), model=model._meta.label).order_by("pk")
        last = 0
        while page := list(rows.filter(pk__gt=last)[: self.batch_size]):
            yield page
            last = page[-1].pk

    def count(self, model: Model, which: Q | None = None) -> int:
        """Return how many rows of a model go along, on a condition."""
        return int(self._of_run.filter(which or Q(), model=model._meta.label).count())

    def among(self, model: Model, keys: Iterable[Any]) -> set[str]:
        """Return which of these rows go along, as text."""
        rows = self._of_run.filter(model=model._meta.label)
        found = rows.filter(old_pk__in=[str(key) for key in keys])
        return set(found.values_list("old_pk", flat=True))

    def new_keys(self, model: Model, keys: Iterable[Any]) -> dict[str, str]:
        """Return what became of these rows, in whichever run."""
        rows = self._of(model).exclude(new_pk="")
        found = rows.filter(old_pk__in={str(key) for key in keys})
        return dict(found.values_list("old_pk", "new_pk"))

    def copies(self, model: Model, keys: Iterable[Any]) -> set[str]:
        """Return which of these rows of the other tenant came from here, of whichever run."""
        found = self._of(model).filter(new_pk__in={str(key) for key in keys})
        return set(found.values_list("new_pk", flat=True))

    def adopted(self, model: Model, keys: Iterable[Any]) -> set[str]:
        """Return which of these rows of the other tenant are used in place of copies."""
        found = self._of(model).filter(outcome=TenantMoveRow.Outcome.ADOPTED)
        found = found.filter(new_pk__in={str(key) for key in keys})
        return set(found.values_list("new_pk", flat=True))

    def record(self, rows: Sequence[TenantMoveRow]) -> None:
        """Write down what became of rows; call it in the transaction that makes it so."""
        TenantMoveRow._base_manager.using(self.using).bulk_update(
            rows, _CHANGING, batch_size=_AT_ONCE
        )

    def hand_over(self, model: Model, keys: Iterable[Any]) -> None:
        """Forget that these rows of the source are copies, of whomever's: it gives them away."""
        moves = TenantMove._base_manager.using(self.using).filter(target=self.move.source)
        copies = TenantMoveRow._base_manager.using(self.using).order_by()
        copies.filter(
            move__in=list(moves.values_list("pk", flat=True)),
            model=model._meta.label,
            new_pk__in=[str(key) for key in keys],
        ).delete()

    def drop_run(self) -> None:
        """Forget what this run found: it is where it should be, under its own key."""
        self._of_run.delete()

    def forget(self) -> None:
        """Forget all of it: what goes next goes as if it never had."""
        self._all.delete()
        TenantMove._base_manager.using(self.using).filter(pk=self.move.pk).delete()

    @property
    def _all(self) -> Any:
        return TenantMoveRow._base_manager.using(self.using).filter(move=self.move).order_by()

    @property
    def _of_run(self) -> Any:
        return self._all.filter(run=self.move.run)

    def _of(self, model: Model) -> Any:
        return self._all.filter(model=model._meta.label)
