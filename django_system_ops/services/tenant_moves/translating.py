"""What a row is to be when it is the other tenant's."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django_system_ops.models import TenantMoveRow
from django_system_ops.services.tenant_moves.graphs import Generic, Graph, Link, Node
from django_system_ops.services.tenant_moves.holdings import Holdings
from django_system_ops.services.tenant_moves.journal import Journal
from django_system_ops.services.tenant_moves.ownership import Kind, Model
from django_system_ops.services.tenants import Tenants

__all__ = ["Handed", "Mapped", "Translated", "Translator", "read_rows", "stored"]


@dataclass
class Translated:
    """
    A row as it is to be.

    Attributes:
        values: by the names of its columns.
        waits: whether a row that it cannot be without is not there yet.
        unlinked: fields that are NULL, since what they pointed at does not go along.
    """

    values: dict[str, Any]
    waits: bool = False
    unlinked: list[str] = field(default_factory=list)


class Keys(Protocol):
    """What becomes of primary keys."""

    def __call__(self, node: Node, keys: Iterable[Any]) -> dict[Any, Any]:
        """Return the new keys of those that have one."""
        ...


class Mapped:
    """A copy has keys of its own, which the journal knows, as long as it is the target's."""

    def __init__(self, journal: Journal, holdings: Holdings) -> None:
        self._journal, self._holdings = journal, holdings

    def __call__(self, node: Node, keys: Iterable[Any]) -> dict[Any, Any]:
        """Return the keys of the copies."""
        by_text = {str(key): key for key in keys}
        found = self._journal.new_keys(node.model, by_text)
        new_keys = {old: node.key_of(new) for old, new in found.items()}
        mine = self._holdings.among(node.model, new_keys.values())
        return {by_text[old]: key for old, key in new_keys.items() if key in mine}


class Handed:
    """What is handed over keeps its keys."""

    def __call__(self, node: Node, keys: Iterable[Any]) -> dict[Any, Any]:
        """Return the keys themselves."""
        return {key: key for key in keys}


class Translator:
    """Turns pages of rows into what they are to be."""

    def __init__(
        self, graph: Graph, keys: Keys, source: Tenants, target: Tenants, *, using: str
    ) -> None:
        self._graph, self._keys, self._using = graph, keys, using
        self._source, self._target = source, target

    def page(
        self, node: Node, rows: Sequence[Mapping[str, Any]], *, with_loose: bool
    ) -> list[Translated]:
        """
        Return the rows as they are to be, in the same order.

        Without ``with_loose`` the columns that close circles are NULL, to be set when all is there.
        """
        found = [Translated({name: row[name] for name in node.names}) for row in rows]
        for link in node.links:
            if link.owner.kind is Kind.THE_TENANT:
                self._tenant(link, found)
            elif link.owner.kind is Kind.TENANT:
                self._link(node, link, found, with_loose=with_loose)
        for generic in node.generics:
            self._generic(node, generic, found, with_loose=with_loose)
        return found

    def _tenant(self, link: Link, rows: Sequence[Translated]) -> None:
        old, new = self._source.pks[0], self._target.pks[0]
        if not link.holds_key:
            both = link.target._base_manager.using(self._using).filter(pk__in=[old, new])
            columns = dict(both.values_list("pk", link.column))
            old, new = columns[old], columns[new]
        for row in rows:
            if row.values[link.name] == old:
                row.values[link.name] = new

    def _link(
        self, node: Node, link: Link, rows: Sequence[Translated], *, with_loose: bool
    ) -> None:
        if link.name in node.loose and not with_loose:
            for row in rows:
                row.values[link.name] = None
            return
        values = {row.values[link.name] for row in rows} - {None}
        new = self._new_values(link, values) if values else {}
        for row in rows:
            value = row.values[link.name]
            if value is None:
                continue
            row.values[link.name] = new.get(value)
            if value not in new:
                self._missing(row, link.field.name, is_needed=not link.field.null)

    def _new_values(self, link: Link, values: set[Any]) -> dict[Any, Any]:
        target = self._node(link.target)
        if link.holds_key:
            return self._keys(target, values)
        rows = link.target._base_manager.using(self._using).order_by()
        old = dict(rows.filter(**{f"{link.column}__in": values}).values_list(link.column, "pk"))
        keys = self._keys(target, old.values())
        new = dict(rows.filter(pk__in=set(keys.values())).values_list("pk", link.column))
        return {value: new[keys[key]] for value, key in old.items() if keys.get(key) in new}

    def _generic(
        self, node: Node, generic: Generic, rows: Sequence[Translated], *, with_loose: bool
    ) -> None:
        by_model: dict[Model, list[Translated]] = defaultdict(list)
        for row in rows:
            target = self._graph.types.get(row.values[generic.kind])
            if target is not None and row.values[generic.number] is not None:
                by_model[target].append(row)
        for target, some in by_model.items():
            owner = self._graph.known.get(target)
            if owner is None or owner.kind in (Kind.SHARED, Kind.LEFT):
                continue
            if generic.number in node.loose and not with_loose:
                for row in some:
                    row.values[generic.number] = None
                continue
            self._follow(generic, target, some, is_tenant=owner.kind is Kind.THE_TENANT)

    def _follow(
        self, generic: Generic, target: Model, rows: Sequence[Translated], *, is_tenant: bool
    ) -> None:
        node = self._node(target)
        numbers = {row.values[generic.number] for row in rows}
        keys = {number: node.key_of(number) for number in numbers}
        new = {self._source.pks[0]: self._target.pks[0]}
        if not is_tenant:
            new = self._keys(node, keys.values())
        for row in rows:
            key = keys[row.values[generic.number]]
            found = new.get(key)
            row.values[generic.number] = None if found is None else generic.held(found)
            if found is None:
                self._missing(row, generic.name, is_needed=not generic.is_nullable)

    def _node(self, model: Model) -> Node:
        # What takes no part in this run may have been copied by another one.
        return self._graph.nodes.get(model) or Node(model, self._graph.known[model])

    @staticmethod
    def _missing(row: Translated, name: str, *, is_needed: bool) -> None:
        if is_needed:
            row.waits = True
        else:
            row.unlinked.append(name)


def read_rows(node: Node, keys: Iterable[Any], *, using: str) -> dict[str, dict[str, Any]]:
    """Return the columns of rows, by their primary keys as text, in the order of these keys."""
    rows = node.model._base_manager.using(using).filter(pk__in=list(keys)).order_by("pk")
    name = node.pk.attname
    return {str(row[name]): row for row in rows.values(*node.names)}


def stored(node: Node, row: TenantMoveRow, values: dict[str, Any]) -> dict[str, Any]:
    """Return ``values`` with what had to become other ones when the row was copied."""
    found = dict(values)
    for one in node.fields:
        change = row.values.get(one.attname)
        if change is not None and str(found[one.attname]) == change["from"]:
            found[one.attname] = one.to_python(change["to"])
    return found
