"""Whether what rows point at is the same tenant's, or nobody's in particular."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django_system_ops.services.tenant_moves.graphs import Generic, Graph, Link, Node
from django_system_ops.services.tenant_moves.ownership import Kind, Model
from django_system_ops.services.tenants import Tenants

__all__ = ["Boundaries", "Outsider", "Targets", "keys_of"]

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outsider:
    """A row that points at what is not its tenant's."""

    label: str
    pk: str
    field: str
    target: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.label} {self.pk}: {self.field} is {self.target} {self.value}, {self.reason}"


@dataclass
class Targets:
    """What a page of rows points at by one field: keys by what the column holds."""

    model: Model
    is_needed: bool
    is_whole: bool
    keys: dict[Any, Any]


class Boundaries:
    """Looks at what rows of a tenant point at; two queries for each field and page."""

    def __init__(self, graph: Graph, tenants: Tenants, *, using: str) -> None:
        self._graph, self._tenants, self._using = graph, tenants, using

    def look(self, node: Node, rows: Sequence[Row]) -> tuple[list[Targets], list[Outsider]]:
        """Return what the rows point at that is the tenant's, and who points elsewhere."""
        targets: list[Targets] = []
        outsiders: list[Outsider] = []
        for link in node.links:
            pointing = [(row, row[link.name]) for row in rows if row[link.name] is not None]
            if link.owner.kind is Kind.THE_TENANT:
                outsiders += self._other_tenants(node, link, pointing)
            elif link.owner.kind is Kind.TENANT and pointing:
                found = self._owned(link, {value for _, value in pointing})
                targets.append(Targets(link.target, link.is_needed, link.is_inherited, found))
                outsiders += self._named(
                    node,
                    link.field.name,
                    link.target,
                    [(row, value) for row, value in pointing if value not in found],
                    link.column,
                )
        for generic in node.generics:
            for some, bad in self._generic(node, generic, rows):
                targets += some
                outsiders += bad
        return targets, outsiders

    def _other_tenants(
        self, node: Node, link: Link, pointing: Sequence[tuple[Row, Any]]
    ) -> Iterator[Outsider]:
        # What a key to tenants holds may not be their primary key.
        mine = set(self._tenants.pks)
        if not link.holds_key:
            rows = link.target._base_manager.using(self._using).filter(pk__in=mine)
            mine = set(rows.values_list(link.column, flat=True))
        for row, value in pointing:
            if value not in mine:
                label = link.target._meta.label
                yield Outsider(
                    node.label,
                    str(row[node.pk.attname]),
                    link.field.name,
                    label,
                    str(value),
                    "another tenant",
                )

    def _owned(self, link: Link, values: set[Any]) -> dict[Any, Any]:
        rows = link.owner.rows(link.target, self._tenants, self._using)
        found = rows.filter(**{f"{link.column}__in": values})
        return dict(found.values_list(link.column, "pk"))

    def _generic(
        self, node: Node, generic: Generic, rows: Sequence[Row]
    ) -> Iterator[tuple[list[Targets], list[Outsider]]]:
        by_kind: dict[Any, list[tuple[Row, Any]]] = defaultdict(list)
        for row in rows:
            if row[generic.kind] is not None and row[generic.number] is not None:
                by_kind[row[generic.kind]].append((row, row[generic.number]))
        for kind, pointing in by_kind.items():
            target = self._graph.types.get(kind)
            owner = self._graph.known.get(target) if target is not None else None
            if target is None or owner is None:
                label = target._meta.label if target is not None else f"content type {kind}"
                reason = "and nobody has said whose its rows are" if target else "which is gone"
                yield [], [_outsider(node, generic.name, label, one, reason) for one in pointing]
                continue
            if owner.kind in (Kind.SHARED, Kind.LEFT):
                continue
            keys = keys_of(target, [value for _, value in pointing])
            if owner.kind is Kind.THE_TENANT:
                found = {value: key for value, key in keys.items() if key in self._tenants.pks}
            else:
                those = owner.rows(target, self._tenants, self._using)
                there = set(those.filter(pk__in=set(keys.values())).values_list("pk", flat=True))
                found = {value: key for value, key in keys.items() if key in there}
            others = [(row, value) for row, value in pointing if value not in found]
            bad = self._named(node, generic.name, target, others, "pk")
            good = [Targets(target, not generic.is_nullable or generic.says_whose, False, found)]
            yield (good if owner.kind is Kind.TENANT else []), bad

    def _named(
        self, node: Node, name: str, target: Model, others: Sequence[tuple[Row, Any]], column: str
    ) -> list[Outsider]:
        """Say of rows that point elsewhere whether that is somebody's or nothing."""
        if not others:
            return []
        keys = {value: value for _, value in others}
        if column == "pk":
            keys = keys_of(target, keys)
        rows = target._base_manager.using(self._using).order_by()
        found = set(
            rows.filter(**{f"{column}__in": set(keys.values())}).values_list(column, flat=True)
        )
        label = target._meta.label
        return [
            _outsider(
                node,
                name,
                label,
                one,
                "which is not this tenant's" if keys.get(one[1]) in found else "which is not there",
            )
            for one in others
        ]


def keys_of(target: Model, values: Iterable[Any]) -> dict[Any, Any]:
    """Return the primary keys that values of generic keys stand for; none for what is none."""
    key: Any = target._meta.pk
    while key.remote_field is not None:
        key = key.target_field
    found = {}
    for value in values:
        try:
            found[value] = key.to_python(value)
        except Exception:  # noqa: BLE001, S112  # whatever a field of the site raises: it is no key
            continue
    return found


def _outsider(node: Node, name: str, label: str, one: tuple[Row, Any], reason: str) -> Outsider:
    row, value = one
    return Outsider(node.label, str(row[node.pk.attname]), name, label, str(value), reason)
