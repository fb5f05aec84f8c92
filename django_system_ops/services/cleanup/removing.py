"""The rows of a batch go, or are counted: one order of steps for both."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from django.db import connections, models

from django_system_ops.engine.cascading import Link
from django_system_ops.services.cleanup.gathering import Closure, Scope
from django_system_ops.services.cleanup.ledger import NoLedger
from django_system_ops.services.cleanup.relations import Edge, Effect, Model

__all__ = ["Counting", "Removing", "carry_out"]


class Deed(Protocol):
    """What is done with rows; each returns how many there were."""

    def leaves(self, edge: Edge, values: Sequence[Any]) -> int:
        """Do away with rows that take nothing along."""

    def loosen(self, link: "Link[Model]", keys: Sequence[Any]) -> None:
        """Cut a circle of rows, all of which go."""

    def nulls(self, edge: Edge, values: Sequence[Any], going: Any) -> int:
        """Make rows point at nothing, but for those that are ``going`` themselves."""

    def rows(self, model: Model, keys: Sequence[Any]) -> int:
        """Do away with rows to which nothing points any more."""


def carry_out(scope: Scope, closure: Closure, deed: Deed) -> tuple[Counter[str], Counter[str]]:
    """Do it, children first; return how many rows went, and how many fields became NULL."""
    cascade = scope.cascade
    went: Counter[str] = Counter()
    nulled: Counter[str] = Counter()
    if not connections[scope.using].features.can_defer_constraint_checks:
        for link in cascade.order.loose:
            if keys := list(closure.rows.get(link.child, ())):
                deed.loosen(link, keys)
    values = {
        edge: [row[node.place(edge.column)] for row in closure.sources(node)]
        for node in cascade.nodes.values()
        for edge in node.edges
    }
    for edge, pointed_at in values.items():
        if edge.effect is Effect.CASCADE and pointed_at and not scope.by_key(edge.child):
            went[edge.child._meta.label] += deed.leaves(edge, pointed_at)
    for edge, pointed_at in values.items():
        if edge.effect is Effect.NULL and pointed_at:
            nulled[str(edge)] += deed.nulls(edge, pointed_at, closure.rows.get(edge.child, {}))
    for model in cascade.order.nodes:
        if keys := list(closure.rows.get(model, ())):
            went[model._meta.label] += deed.rows(model, keys)
    # Without zeros.
    return +went, +nulled


class Removing:
    """Removes them; one for each job, since it learns."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        #: How many rows pointed at one value when it was last looked at.
        self._fan_out: dict[Edge, float] = {}

    def leaves(self, edge: Edge, values: Sequence[Any]) -> int:
        """Remove rows by what they point at, as many at once as fit into a statement."""
        using, size = self._scope.using, self._scope.at_once()
        removed = place = 0
        while place < len(values):
            # A few at first: nobody knows yet how many rows each value has.
            fan_out = self._fan_out.get(edge, 5.0)
            if fan_out > 2 * size:
                removed += self._piecemeal(edge, values[place])
                place += 1
                self._fan_out[edge] = size
                continue
            some = next(self._scope.parts(values[place : place + max(1, int(size / fan_out))]))
            count = _raw_delete(edge.rows(some, using), using)
            self._fan_out[edge] = max(1.0, count / len(some))
            removed += count
            place += len(some)
        return removed

    def loosen(self, link: "Link[Model]", keys: Sequence[Any]) -> None:
        """Set the link to NULL."""
        manager = link.child._base_manager.using(self._scope.using).order_by()
        for some in self._scope.parts(keys):
            manager.filter(pk__in=some).update(**{link.name: None})

    def nulls(self, edge: Edge, values: Sequence[Any], going: Any) -> int:
        """Set the field to NULL."""
        using, count = self._scope.using, 0
        for some in self._scope.parts(values):
            rows = edge.rows(some, using)
            if not going:
                count += rows.update(**{edge.name: None})
                continue
            keys = [key for key in rows.values_list("pk", flat=True) if key not in going]
            manager = edge.child._base_manager.using(using).order_by()
            for part in self._scope.parts(keys):
                count += manager.filter(pk__in=part).update(**{edge.name: None})
        return count

    def rows(self, model: Model, keys: Sequence[Any]) -> int:
        """Remove rows by key."""
        using = self._scope.using
        manager = model._base_manager.using(using).order_by()
        return sum(
            _raw_delete(manager.filter(pk__in=some), using) for some in self._scope.parts(keys)
        )

    def _piecemeal(self, edge: Edge, value: Any) -> int:
        """Remove the rows of one value that has too many for one statement."""
        using, removed = self._scope.using, 0
        while keys := list(
            edge.rows([value], using).values_list("pk", flat=True)[: self._scope.at_once()]
        ):
            removed += self.rows(edge.child, keys)
        return removed


class Counting:
    """Counts them for a dry run, each once."""

    def __init__(self, scope: Scope, gone: NoLedger) -> None:
        self._scope = scope
        self._gone = gone

    def leaves(self, edge: Edge, values: Sequence[Any]) -> int:
        """Count rows that only this edge can take along."""
        using = self._scope.using
        return sum(edge.rows(some, using).count() for some in self._scope.parts(values))

    def loosen(self, link: "Link[Model]", keys: Sequence[Any]) -> None:
        """Do nothing: they go and are counted then."""

    def nulls(self, edge: Edge, values: Sequence[Any], going: Any) -> int:
        """Count fields that become NULL."""
        count = 0
        for some in self._scope.parts(values):
            rows = edge.rows(some, self._scope.using)
            if not self._scope.by_key(edge.child):
                count += rows.count()
                continue
            keys = [key for key in rows.values_list("pk", flat=True) if key not in going]
            keys = list(self._gone.fresh(edge.child._meta.label, keys))
            keys = list(self._gone.fresh(str(edge), keys))
            self._gone.add(str(edge), keys)
            count += len(keys)
        return count

    def rows(self, model: Model, keys: Sequence[Any]) -> int:
        """Count rows by key."""
        self._gone.add(model._meta.label, keys)
        return len(keys)


def _raw_delete(rows: "models.QuerySet[models.Model]", using: str) -> int:
    # delete() would ask the model graph again, which is what the cascade has done.
    return int(rows._raw_delete(using) or 0)
