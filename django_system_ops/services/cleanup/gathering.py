"""Which rows go with a batch of rows, and which of the batch have to stay."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from django_opskit.batches import batches
from django_system_ops.engine.cascading import Trace
from django_system_ops.services.cleanup.ledger import NoLedger
from django_system_ops.services.cleanup.relations import Cascade, Edge, Effect, Model, Node

__all__ = ["Closure", "Rows", "Scope", "gather"]

#: Rows by key, each with the columns of its node.
Rows = dict[Any, tuple[Any, ...]]

_Key = tuple[Model, Any]


@dataclass
class Closure:
    """
    A batch and all that goes with it.

    Attributes:
        rows: by model; the rows of leaves are only there where the scope asks for them.
        carried: of these, the parents by inheritance: what points at them was asked of the
            children already.
        protected: how many rows of the batch stay because of each edge.
        kept: how many stay in all.
    """

    rows: dict[Model, Rows] = field(default_factory=dict)
    carried: dict[Model, set[Any]] = field(default_factory=dict)
    protected: Counter[str] = field(default_factory=Counter)
    kept: int = 0

    def sources(self, node: Node) -> list[tuple[Any, ...]]:
        """Return the rows of a model whose edges are to be followed."""
        carried = self.carried.get(node.model, set())
        return [row for key, row in self.rows.get(node.model, {}).items() if key not in carried]


@dataclass(frozen=True)
class Scope:
    """
    How rows are looked at.

    Attributes:
        by_key: whether each row of a model has to be known; the others go without being looked at.
        at_once: how many values fit into a statement, as things are.
    """

    cascade: Cascade
    using: str
    by_key: Callable[[Model], bool]
    at_once: Callable[[], int]
    gone: NoLedger

    def parts(self, values: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """Yield the values in parts, each small enough for a statement."""
        room = connections[self.using].features.max_query_params
        size = self.at_once()
        return batches(values, min(size, room - 10) if room else size)


def gather(scope: Scope, roots: Rows) -> Closure:
    """Return what goes when ``roots`` go, without those of them that others keep."""
    return _Gathering(scope, roots).run()


class _Gathering:
    """Goes from rows to what points at them, model by model and never row by row."""

    def __init__(self, scope: Scope, roots: Rows) -> None:
        self.scope = scope
        self.cascade = scope.cascade
        self.root = scope.cascade.root.model
        self.roots = roots
        self.closure = Closure()
        self.trace: Trace[_Key] | None = Trace() if self.cascade.has_protection else None
        self.protected: list[tuple[Edge, _Key]] = []
        self.restricted: list[tuple[Edge, _Key, _Key]] = []

    def run(self) -> Closure:
        waiting: deque[tuple[Node, Rows]] = deque([(self.cascade.root, self.roots)])
        self.closure.rows[self.root] = dict(self.roots)
        while waiting:
            node, rows = waiting.popleft()
            self._carry_parents(node, rows)
            for edge in node.edges:
                if edge.effect is Effect.CASCADE and self.scope.by_key(edge.child):
                    if found := self._children(node, edge, rows):
                        waiting.append((self.cascade.nodes[edge.child], found))
                elif edge.effect in (Effect.PROTECT, Effect.RESTRICT):
                    self._find_protectors(node, edge, rows)
        if self.protected or self.restricted:
            self._keep()
        return self.closure

    def _carry_parents(self, node: Node, rows: Rows) -> None:
        for parent, column in node.ups:
            above = self.cascade.nodes[parent]
            place = node.place(column)
            keys = [row[place] for row in rows.values()]
            have = self.closure.rows.setdefault(parent, {})
            new = self.scope.gone.fresh(above.label, [key for key in keys if key not in have])
            if above.columns == ["pk"]:
                found: Rows = {key: (key,) for key in new}
            else:
                found = {}
                manager = parent._base_manager.using(self.scope.using).order_by()
                for some in self.scope.parts(list(new)):
                    for row in manager.filter(pk__in=some).values_list(*above.columns):
                        found[row[0]] = row
            have.update(found)
            self.closure.carried.setdefault(parent, set()).update(found)
            if self.trace is not None:
                for key, row in rows.items():
                    self.trace.add((parent, row[place]), (node.model, key))
            if above.ups:
                self._carry_parents(above, found)

    def _children(self, node: Node, edge: Edge, rows: Rows) -> Rows:
        """Return the rows that point at ``rows`` and were not known yet."""
        child = self.cascade.nodes[edge.child]
        have = self.closure.rows.setdefault(edge.child, {})
        new: Rows = {}
        for row, takers in self._pointing(node, edge, rows, child.columns):
            if self.trace is not None:
                for taker in takers:
                    self.trace.add((edge.child, row[0]), (node.model, taker))
            if row[0] not in have:
                new[row[0]] = row
        fresh = self.scope.gone.fresh(child.label, new)
        new = {key: row for key, row in new.items() if key in fresh}
        have.update(new)
        return new

    def _find_protectors(self, node: Node, edge: Edge, rows: Rows) -> None:
        found = list(self._pointing(node, edge, rows, ["pk"]))
        fresh = self.scope.gone.fresh(edge.child._meta.label, [row[0] for row, _ in found])
        for (key,), takers in found:
            held = [(node.model, taker) for taker in takers if key in fresh]
            if edge.effect is Effect.PROTECT:
                self.protected += [(edge, row) for row in held]
            else:
                self.restricted += [(edge, row, (edge.child, key)) for row in held]

    def _pointing(
        self, node: Node, edge: Edge, rows: Rows, columns: Sequence[str]
    ) -> Iterator[tuple[tuple[Any, ...], list[Any]]]:
        """Yield each row that points at ``rows``, with the keys of those that it points at."""
        place = node.place(edge.column)
        values = [row[place] for row in rows.values() if row[place] is not None]
        if self.trace is None:
            for some in self.scope.parts(values):
                for row in edge.rows(some, self.scope.using).values_list(*columns):
                    yield row, []
            return
        # As text: a generic relation may hold numbers as text.
        takers: dict[str, list[Any]] = {}
        for key, row in rows.items():
            takers.setdefault(str(row[place]), []).append(key)
        for some in self.scope.parts(values):
            for row in edge.rows(some, self.scope.using).values_list(*columns, edge.name):
                yield row[:-1], takers.get(str(row[-1]), [])

    def _keep(self) -> None:
        """Leave out the rows of the batch that others keep, and what goes with them alone."""
        trace = self.trace
        assert trace is not None
        mine = {(self.root, key) for key in self.roots}
        keeping: dict[str, set[_Key]] = {}
        for edge, row in self.protected:
            keeping.setdefault(str(edge), set()).update(trace.takers([row]) & mine)
        kept = set().union(*keeping.values()) if keeping else set()
        going = trace.taken(mine - kept)
        while held := [one for one in self.restricted if one[1] in going and one[2] not in going]:
            # What restricts may have been going with a row that has just been kept: again.
            for edge, row, _ in held:
                keeping.setdefault(str(edge), set()).update(trace.takers([row]) & mine)
            kept = set().union(*keeping.values())
            going = trace.taken(mine - kept)
        for model, rows in self.closure.rows.items():
            self.closure.rows[model] = {
                key: row for key, row in rows.items() if (model, key) in going
            }
        self.closure.protected = Counter({name: len(rows) for name, rows in keeping.items()})
        self.closure.kept = len(kept)
