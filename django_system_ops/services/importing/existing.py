"""The rows that are there already: those with a candidate's key, and those in its way."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any

from django.db import connections, models

from django_system_ops.services.importing.candidates import Candidate
from django_system_ops.services.importing.orders import Order

__all__ = ["Keys", "Uniques"]

# SQLite takes expressions of a depth of 1000, and each OR is a step.
_AT_ONCE = 200


class Keys:
    """
    Finds rows by the key of the order, each in its own tenant.

    Attributes:
        is_kept_by_database: whether two rows of one key cannot be, so that an insert finds out.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._attnames = tuple(one.attname for one in order.key)
        conf = order.kind.conf
        self._path = f"{conf.tenant}__pk" if conf.tenant else ""
        scoped = {one.name for one in order.key}
        if "__" not in conf.tenant:
            scoped.add(conf.tenant)
        self.is_kept_by_database = any(
            {one.name for one in fields} <= scoped for fields in unique_sets(order.model)
        )

    def of(self, candidate: Candidate) -> tuple[Any, ...] | None:
        """Return a candidate's key, its tenant with it; None when a part of it is empty."""
        values = tuple(candidate.values.get(one) for one in self._attnames)
        return None if None in values else (*values, candidate.tenant)

    def missing(self, candidate: Candidate) -> str:
        """Return the part of the key that a candidate lacks; "" for none."""
        return next((one for one in self._attnames if candidate.values.get(one) is None), "")

    def find(self, candidates: Sequence[Candidate]) -> dict[tuple[Any, ...], list[Any]]:
        """Return the keys of rows that are there, each with their primary keys; they are locked."""
        found: dict[tuple[Any, ...], list[Any]] = {}
        # Without of=, a nullable way to the tenant could not be locked on PostgreSQL.
        rows = self._order.kind.rows(self._order.tenants, using=self._order.using)
        rows = rows.select_for_update(of=("self",)) if _can_lock_one(rows) else rows
        columns = ["pk", *self._attnames, *([self._path] if self._path else [])]
        for condition in _conditions(self._attnames, candidates):
            for pk, *values in rows.filter(condition).order_by().values_list(*columns):
                key = tuple(values) if self._path else (*values, None)
                found.setdefault(key, []).append(pk)
        return found


class Uniques:
    """What the database lets no two rows have, and no condition is tied to."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._sets = [tuple(one.attname for one in fields) for fields in unique_sets(order.model)]

    def taken(self, candidates: Sequence[Candidate]) -> dict[int, str]:
        """Return the places of candidates that cannot be inserted, each with the attribute."""
        found: dict[int, str] = {}
        for attnames in self._sets:
            there = [one for one in candidates if set(attnames) <= one.values.keys()]
            seen = self._values(attnames, there)
            for place, candidate in enumerate(candidates):
                values = tuple(candidate.values.get(one) for one in attnames)
                if None in values or place in found:
                    continue
                if values in seen:
                    found[place] = attnames[-1]
                seen.add(values)
        return found

    def _values(self, attnames: tuple[str, ...], candidates: Sequence[Candidate]) -> set[Any]:
        rows = self._order.model._base_manager.using(self._order.using).order_by()
        return {
            tuple(row)
            for condition in _conditions(attnames, candidates)
            for row in rows.filter(condition).values_list(*attnames)
        }


def unique_sets(model: type[models.Model]) -> "Iterator[tuple[models.Field[Any, Any], ...]]":
    """Yield the fields that are unique together, without conditions and expressions."""
    meta = model._meta
    for field in meta.concrete_fields:
        if field.unique:
            yield (field,)
    together = [tuple(names) for names in meta.unique_together]
    together += [
        tuple(one.fields)
        for one in meta.constraints
        if isinstance(one, models.UniqueConstraint) and one.condition is None
    ]
    for names in filter(None, together):
        yield tuple(meta.get_field(name) for name in names)  # type: ignore[misc]  # columns only


def _conditions(attnames: Sequence[str], candidates: Iterable[Candidate]) -> Iterator[models.Q]:
    """Yield conditions that together are met by every row with a candidate's values."""
    rows = {tuple(one.values.get(name) for name in attnames) for one in candidates}
    wanted = [one for one in rows if None not in one]
    if not wanted:
        return
    columns = [set(values) for values in zip(*wanted, strict=True)]
    if sum(len(values) > 1 for values in columns) <= 1:
        for start in range(0, max(map(len, columns)), _AT_ONCE):
            yield models.Q(
                **{
                    f"{name}__in": sorted(values, key=str)[start : start + _AT_ONCE]
                    if len(values) > 1
                    else list(values)
                    for name, values in zip(attnames, columns, strict=True)
                }
            )
        return
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        yield reduce(
            operator.or_, (models.Q(**dict(zip(attnames, one, strict=True))) for one in some)
        )


def _can_lock_one(rows: "models.QuerySet[Any]") -> bool:
    return bool(connections[rows.db].features.has_select_for_update_of)
