"""
Rows that are handed over as they are.

A row that moves stays the same row: only the column that says whose it is changes. So its key,
its history, its files, what others have noted of it and every link from outside stay good, which
no copy that is followed by a deletion could promise. Rows whose way to the tenant leads over others
move with these and are not written at all.

All of it is one transaction, with the check inside, before the commit: a move that is killed, that
finds something or loses its lock has never been, and one that is finished needs no second run. Both
tenants' own rows are locked meanwhile, so that nobody adds to what is being handed over.

It can only be done when nothing holds the two apart afterwards: no row that stays may point at one
that goes, and none that goes at one that stays. That is looked at first.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.db import models

from django_system_ops.engine.row_values import Digest, same
from django_system_ops.models import TenantMoveRow
from django_system_ops.services.tenant_moves.boundaries import Boundaries
from django_system_ops.services.tenant_moves.collecting import Refusals, pages_of_keys
from django_system_ops.services.tenant_moves.conflicts import Conflicts
from django_system_ops.services.tenant_moves.graphs import Graph, Node
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.ownership import Kind, Model, concrete
from django_system_ops.services.tenant_moves.reports import MoveReport
from django_system_ops.services.tenant_moves.translating import Translator, read_rows
from django_system_ops.services.tenant_moves.writing import update_rows
from django_system_ops.services.tenants import Tenants

__all__ = ["Mover"]


class Mover:
    """Hands the rows of the journal over; call it inside the transaction that is to hold it."""

    def __init__(
        self,
        graph: Graph,
        journal: Journal,
        translator: Translator,
        conflicts: Conflicts,
        target: Tenants,
        report: MoveReport,
        *,
        check: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        self._graph, self._journal, self._translator = graph, journal, translator
        self._conflicts, self._target, self._report = conflicts, target, report
        self._check, self._advance = check, advance
        self._using = journal.using

    def look_ahead(self, source: Tenants) -> None:
        """
        Find what cannot be handed over, before anything is.

        Raises:
            TenantMoveError: it names the first rows, and the way out.
        """
        boundaries = Boundaries(self._graph, source, using=self._using)
        refusals, taken = Refusals(), Refusals()
        for node in self._graph.order:
            for page in self._journal.pages(node.model):
                self._check()
                keys = [node.key_of(row.old_pk) for row in page]
                rows = list(read_rows(node, keys, using=self._using).values())
                refusals.add(list(self._leading_out(node, rows, boundaries)))
                refusals.add(list(self._leading_in(node, keys)))
                wanted = [one.values for one in self._translator.page(node, rows, with_loose=True)]
                if _changes(node):
                    texts = [str(row[node.pk.attname]) for row in rows]
                    self._conflicts.look_ahead(node, texts, wanted, taken)
        refusals.raise_any(
            "Rows that go and rows that stay cannot point at each other: name more types, or use "
            "--mode=copy."
        )
        taken.raise_any("Settle these, and run it again.")

    def move(self) -> None:
        """Hand them over, and write into the report what is not as it should be."""
        for node in self._graph.order:
            digest = Digest()
            report = self._report.of(node.label)
            report.rows = self._journal.count(node.model)
            for page in self._journal.pages(node.model):
                self._check()
                self._move_page(node, page, digest)
            report.sha256 = digest.text
        boundaries = Boundaries(self._graph, self._target, using=self._using)
        for node in self._graph.order:
            for page in self._journal.pages(node.model):
                self._check()
                self._look_again(node, page, boundaries)

    def _move_page(self, node: Node, page: Sequence[TenantMoveRow], digest: Digest) -> None:
        keys = [node.key_of(row.old_pk) for row in page]
        before = read_rows(node, keys, using=self._using)
        rows = list(before.values())
        translated = self._translator.page(node, rows, with_loose=True)
        wanted = [one.values for one in translated]
        texts = [str(row[node.pk.attname]) for row in rows]
        report = self._report.of(node.label)
        names = _changes(node)
        if names:
            settled = self._conflicts.settle(node, texts, wanted)
            report.renamed += len(settled.renamed)
            renamed = {name for one in settled.renamed.values() for name in one}
            columns = [*names, *sorted(renamed)]
            changed = {
                text: values
                for text, values, row in zip(texts, wanted, rows, strict=True)
                if any(values[name] != row[name] for name in columns)
            }
            update_rows(node, changed, columns, using=self._using)
        now = read_rows(node, keys, using=self._using)
        for text, values in zip(texts, wanted, strict=True):
            found = now.get(text)
            other = [name for name in node.names if found and not same(values[name], found[name])]
            if found is None or other:
                what = f"differs in {', '.join(other)}" if other else "is gone"
                self._report.find(f"{node.label} {text}: after the move it {what}")
            digest.add(values[name] for name in node.names)
        self._journal.hand_over(node.model, keys)
        report.moved += len(now)
        self._advance(len(now))

    def _look_again(
        self, node: Node, page: Sequence[TenantMoveRow], boundaries: Boundaries
    ) -> None:
        keys = [node.key_of(row.old_pk) for row in page]
        rows = list(read_rows(node, keys, using=self._using).values())
        _, outsiders = boundaries.look(node, rows)
        for one in outsiders:
            self._report.find(str(one))
        mine = node.owner.rows(node.model, self._target, self._using).filter(pk__in=keys)
        if node.owner.path and (missing := len(keys) - mine.count()):
            self._report.find(f"{missing:,} rows of {node.label} are not {self._target}'s")

    def _leading_out(
        self, node: Node, rows: Sequence[Mapping[str, Any]], boundaries: Boundaries
    ) -> Iterator[str]:
        targets, _ = boundaries.look(node, rows)
        for one in targets:
            going = self._journal.among(one.model, one.keys.values())
            staying = [key for key in one.keys.values() if str(key) not in going]
            if staying:
                label = one.model._meta.label
                yield f"a row of {node.label} points at {label} {staying[0]}, which stays"

    def _leading_in(self, node: Node, keys: Sequence[Any]) -> Iterator[str]:
        for pointer, child in _pointing_at(node.model):
            owner = self._graph.known.get(child)
            if owner is not None and owner.kind is not Kind.TENANT:
                continue
            rows = child._base_manager.using(self._using).order_by()
            column = pointer.target_field.attname
            values: Any = keys
            if not pointer.target_field.primary_key:
                those = node.model._base_manager.using(self._using).filter(pk__in=keys)
                values = list(those.values_list(column, flat=True))
            yield from self._staying(
                child, rows.filter(**{f"{pointer.attname}__in": values}), pointer.name, node
            )
        kinds = self._graph.types_of(node.model)
        for generic in self._graph.generics:
            held = [value for key in keys if (value := generic.held(key)) is not None]
            rows = generic.model._base_manager.using(self._using).order_by()
            those = rows.filter(**{f"{generic.kind}__in": kinds, f"{generic.number}__in": held})
            yield from self._staying(generic.model, those, generic.name, node)

    def _staying(
        self, child: Model, rows: "models.QuerySet[Any]", name: str, node: Node
    ) -> Iterator[str]:
        for some in pages_of_keys(rows, self._journal.batch_size):
            going = self._journal.among(child, some)
            staying = [key for key in some if str(key) not in going]
            if staying:
                yield (
                    f"{child._meta.label} {staying[0]}: {name} is a row of {node.label} that goes, "
                    "and it stays"
                )
                return


def _changes(node: Node) -> list[str]:
    """Return the columns that say whose a row is: those that change."""
    own = [link.name for link in node.links if link.owner.kind is Kind.THE_TENANT]
    # A generic key may point at the tenant itself.
    return own + [generic.number for generic in node.generics]


def _pointing_at(model: Model) -> Iterator[tuple[Any, Model]]:
    for other in apps.get_models(include_auto_created=True):
        if concrete(other) is not other or not other._meta.managed:
            continue
        for one in other._meta.local_concrete_fields:
            if isinstance(one, models.ForeignKey) and concrete(one.related_model) is model:
                yield one, other
