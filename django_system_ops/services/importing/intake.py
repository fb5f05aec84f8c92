"""The rows of one file, from what a reader gives to what the table has."""

from collections.abc import Sequence

from django.db import connections

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.formats import BadRow, Row
from django_system_ops.services.importing.batches import Batches, Outcome
from django_system_ops.services.importing.candidates import Candidate, Candidates
from django_system_ops.services.importing.cleaning import Cleaning
from django_system_ops.services.importing.columns import Layout, Layouts
from django_system_ops.services.importing.orders import Order
from django_system_ops.services.importing.problems import Problem, Rejected
from django_system_ops.services.importing.resolving import Resolving
from django_system_ops.services.importing.sources import Source

__all__ = ["Intake"]


class Intake:
    """Takes the rows of a file in, batch by batch, inside transactions of the caller."""

    def __init__(self, order: Order, source: Source) -> None:
        self._order, self._source = order, source
        vendor = connections[order.using].vendor
        self._layouts = Layouts(order, Cleaning(source.format, vendor))
        self._candidates = Candidates(order, self._layouts)
        self._resolving = Resolving(order, self._layouts, self._candidates)
        head = self._layouts.head
        kept = {order.model._meta.pk.attname, *(one.attname for one in order.key)}
        if head is not None and self._layouts.is_direct:
            kept.add(head.attname)
        self._batches = Batches(order, self._candidates, frozenset(kept))
        self._is_known = False

    def take(self, items: Sequence[Row | BadRow]) -> Outcome:
        """
        Write the rows of a batch, and return what became of each.

        Raises:
            WrongUsageError: the columns of the file do not fit the model; nothing was written.
        """
        outcome = Outcome()
        good: list[Candidate] = []
        for item in items:
            if isinstance(item, BadRow):
                outcome.rejected.append(Rejected(item.line, (Problem("", "", item.reason),)))
                continue
            if not self._is_known:
                self._look_at_columns(self._layouts.of(tuple(item.values)))
            found = self._candidates.of(item.line, item.values)
            if isinstance(found, Rejected):
                outcome.rejected.append(found)
            else:
                good.append(found)
        while good:
            resolved, rejected, good = self._resolving.resolve(good)
            outcome.rejected += rejected
            self._batches.store(resolved, outcome)
        self._batches.writing.advance_sequence()
        outcome.rejected.sort(key=lambda one: one.line)
        return outcome

    def _look_at_columns(self, layout: Layout) -> None:
        """Refuse a file with a header that fits no row, in place of each of its rows."""
        self._is_known = True
        if self._source.format != "csv":
            return
        name = self._source.path.name
        for column, reason in layout.unknown.items():
            raise WrongUsageError(
                f"{name}: the column {column!r} cannot be read: {reason} Say where it goes with "
                f"--mapping {column}=FIELD, or leave it out with --mapping {column}= ."
            )
        is_update = self._order.on_conflict == "update"
        missing = [
            one.name
            for one in self._order.key
            if one.attname not in layout.given and one.attname not in self._said()
        ]
        if not is_update:
            missing += layout.missing
        if missing:
            raise WrongUsageError(
                f"{name} has no column for {' and '.join(dict.fromkeys(missing))}, which a row has "
                "to have. Say which column it is with --mapping COLUMN=FIELD, or whose the rows "
                "are with --tenant."
            )

    def _said(self) -> set[str]:
        """Return the attributes that need no column: --tenant says them, or the type's filter."""
        head, fixed = self._layouts.head, set(self._layouts.fixed)
        is_said = self._layouts.is_direct and self._order.tenant_pk is not None
        return fixed | {head.attname} if head is not None and is_said else fixed
