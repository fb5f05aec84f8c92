"""Rows that are already where others want to be."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from django_system_ops.services.tenant_moves.graphs import Node
from django_system_ops.services.tenant_moves.identities import Identity
from django_system_ops.services.tenants import Tenants

__all__ = ["Occupied"]

Values = Mapping[str, Any]


class Occupied:
    """
    Finds the rows that have the same as others want to have.

    That is one query for each identity; one more for each row that is found where the identity has
    a condition, and for each row where it is over expressions, which only the database can compute.
    """

    def __init__(self, target: Tenants, *, using: str) -> None:
        self._target, self._using = target, using
        # There the database itself compares without regard to case.
        self._folds = connections[using].vendor == "mysql"

    def find(self, identity: Identity, wanted: Sequence[Values]) -> dict[int, Any]:
        """Return the primary keys of rows that have the same, by the places in ``wanted``."""
        keys = {n: key for n, values in enumerate(wanted) if (key := identity.of(values))}
        if not keys:
            return {}
        if identity.expressions:
            return self._find_computed(identity, {n: wanted[n] for n in keys})
        rows = self._rows(identity)
        for place, name in enumerate(identity.columns):
            rows = rows.filter(**{f"{name}__in": {key[place] for key in keys.values()}})
        there = {
            self._folded(found[1:]): found[0] for found in rows.values_list("pk", *identity.columns)
        }
        return {
            n: there[folded]
            for n, key in keys.items()
            if (folded := self._folded(key)) in there
            and self._applies(identity, _computed(identity.node, wanted[n]))
        }

    def same(self, identity: Identity, values: Values) -> tuple[Any, ...] | None:
        """Return what is equal for rows that the database may take to be the same."""
        key = identity.of(values)
        return None if key is None else self._folded(key, folds=bool(identity.expressions))

    def theirs(self, node: Node, keys: Sequence[Any]) -> set[Any]:
        """Return which of these rows are the target's."""
        rows = node.owner.rows(node.model, self._target, self._using)
        return set(rows.filter(pk__in=keys).values_list("pk", flat=True))

    def _rows(self, identity: Identity) -> "models.QuerySet[Any]":
        node = identity.node
        if identity.is_key:
            return node.owner.rows(node.model, self._target, self._using)
        rows = node.model._base_manager.using(self._using).order_by()
        return rows.filter(identity.condition) if identity.condition else rows

    def _find_computed(self, identity: Identity, wanted: Mapping[int, Values]) -> dict[int, Any]:
        found = {}
        for n, values in wanted.items():
            computed = _computed(identity.node, values)
            replaced: Any = {F(name): value for name, value in computed.items()}
            same = [
                Exact(one, one.replace_expressions(replaced))  # NULL is equal to nothing
                for one in identity.expressions
            ]
            first = self._rows(identity).filter(*same).values_list("pk", flat=True).first()
            if first is not None and self._applies(identity, computed):
                found[n] = first
        return found

    def _applies(self, identity: Identity, computed: Mapping[str, Any]) -> bool:
        """Return whether a row with these values would be one of those that have to differ."""
        if not identity.condition:
            return True
        # What is neither true nor false is not in the index; Q.check() takes it for true.
        held: Any = Coalesce(identity.condition, False, output_field=models.BooleanField())
        return Q(held).check(dict(computed), using=self._using)

    def _folded(self, key: tuple[Any, ...], *, folds: bool = False) -> tuple[Any, ...]:
        return tuple(
            one.casefold().rstrip(" ") if (self._folds or folds) and isinstance(one, str) else one
            for one in key
        )


def _computed(node: Node, values: Values) -> dict[str, Any]:
    """Return what each field of a row would be, also of those that the database generates."""
    row: Any = node.model(**{name: values.get(name) for name in node.names})
    found: dict[str, Any] = row._get_field_expression_map(meta=node.model._meta)
    # A rule may say either name of a foreign key.
    columns = {one.name: one.attname for one in node.fields}
    return found | {columns[name]: one for name, one in found.items() if name in columns}
