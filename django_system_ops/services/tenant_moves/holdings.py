"""Which rows are a tenant's today, whatever the map says: only those are copies."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.db import models

from django_system_ops.models import TenantMoveRow
from django_system_ops.services.tenant_moves.boundaries import keys_of
from django_system_ops.services.tenant_moves.graphs import Graph
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.ownership import Kind, Model, concrete
from django_system_ops.services.tenants import Tenants

__all__ = ["Holdings", "forget_strays"]

Row = tuple[Model, Any]


class Holdings:
    """Asks the database whose rows are; where only what they point at can say it, that."""

    def __init__(self, graph: Graph, tenants: Tenants, *, using: str) -> None:
        self._graph, self._tenants, self._using = graph, tenants, using
        self._generics = {one.model: one for one in graph.generics if one.says_whose}

    def among(self, model: Model, keys: Iterable[Any]) -> set[Any]:
        """Return which rows of these primary keys are there, and are the tenant's."""
        asked = set(keys)
        mine: set[Row] = set()
        above: dict[Row, Row] = {}
        known: set[Row] = set()
        waiting: dict[Model, set[Any]] = {model: asked}
        while waiting:
            one, some = waiting.popitem()
            # Remarks on remarks may lead back to where they began.
            new = {key for key in some if (one, key) not in known}
            known |= {(one, key) for key in new}
            mine |= {(one, key) for key in self._direct(one, new)}
            for row, parent in self._parents(one, new):
                above[row] = parent
                waiting.setdefault(parent[0], set()).add(parent[1])
        return {key for key in asked if _leads_to((model, key), above, mine)}

    def _direct(self, model: Model, keys: set[Any]) -> set[Any]:
        owner = self._graph.known.get(model)
        if owner is None or not keys:
            return set()
        if owner.kind is Kind.THE_TENANT:
            return keys & set(self._tenants.pks)
        if owner.path:
            rows = owner.rows(model, self._tenants, self._using).filter(pk__in=keys)
            return set(rows.values_list("pk", flat=True))
        if (generic := self._generics.get(model)) is None:
            return set()
        # It closes a circle, and is set when all rows are there: nobody else has it.
        rows = self._rows(model, keys).filter(**{f"{generic.number}__isnull": True})
        return set(rows.values_list("pk", flat=True))

    def _parents(self, model: Model, keys: set[Any]) -> Iterator[tuple[Row, Row]]:
        """Yield the rows that have to be asked, for those that cannot say it themselves."""
        owner = self._graph.known.get(model)
        if owner is None or owner.kind is not Kind.TENANT or owner.path or not keys:
            return
        rows = self._rows(model, keys)
        if (generic := self._generics.get(model)) is not None:
            found = list(rows.values_list("pk", generic.kind, generic.number))
            for kind in {kind for _, kind, _ in found}:
                if (target := self._graph.types.get(kind)) is None:
                    continue
                pairs = [(key, number) for key, its, number in found if its == kind]
                those = keys_of(target, [number for _, number in pairs if number is not None])
                yield from (
                    ((model, key), (target, those[number]))
                    for key, number in pairs
                    if number in those
                )
            return
        head: Any = model._meta.get_field(owner.head)
        for key, value in rows.values_list("pk", f"{head.name}__pk"):
            yield (model, key), (concrete(head.related_model), value)

    def _rows(self, model: Model, keys: set[Any]) -> "models.QuerySet[Any]":
        return model._base_manager.using(self._using).order_by().filter(pk__in=keys)


def _leads_to(row: Row, above: Mapping[Row, Row], mine: set[Row]) -> bool:
    passed = set()
    while row not in mine:
        if row in passed or row not in above:
            return False
        passed.add(row)
        row = above[row]
    return True


def forget_strays(
    graph: Graph, journal: Journal, holdings: Holdings, *, check: Callable[[], None]
) -> None:
    """
    Let the map forget copies of this run's rows that the other tenant does not have any more.

    Somebody deleted them, or handed them to a third tenant: they are nobody's copies, and nothing
    may be written to them or made to point at them.
    """
    for node in graph.order:
        for page in journal.pages(node.model):
            check()
            keys = {row.new_pk: node.key_of(row.new_pk) for row in page if row.new_pk}
            mine = holdings.among(node.model, keys.values()) if keys else set()
            gone = [row for row in page if row.new_pk and keys[row.new_pk] not in mine]
            for row in gone:
                row.new_pk, row.outcome = "", TenantMoveRow.Outcome.FOUND
            journal.record(gone)
