"""What points at the rows of a table: foreign keys of others, and links of many to many."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models

from django_opskit.batches import batches

__all__ = ["Model", "Pointer", "pointers_at"]

Model = type[models.Model]

_AT_ONCE = 500
_CASCADES = {models.CASCADE, getattr(models, "DB_CASCADE", models.CASCADE)}


@dataclass(frozen=True)
class Pointer:
    """
    A way by which rows of one model point at rows of another, or of the same.

    Attributes:
        model: whose rows point.
        label: what people know it by: the model and its field.
        is_content: what points is a part of what it points at, and goes with it.
    """

    model: Model
    label: str
    is_content: bool
    _table: Model
    _source: str
    _column: Any

    def targets(self, pks: Iterable[Any], *, using: str) -> set[Any]:
        """Return those of ``pks`` that are pointed at."""
        name = f"{self._column.name}__pk"
        found: set[Any] = set()
        for rows in self._rows(pks, using):
            found.update(rows.values_list(name, flat=True).distinct())
        return found

    def pairs(self, pks: Iterable[Any], *, using: str) -> Iterator[tuple[Any, Any]]:
        """Yield the keys of rows that point at some of ``pks``, each with the one it points at."""
        for rows in self._rows(pks, using):
            yield from rows.values_list(self._source, f"{self._column.name}__pk").iterator()

    def _rows(self, pks: Iterable[Any], using: str) -> Iterator[Any]:
        for part in batches(list(pks), _AT_ONCE):
            # The rows and not their keys: a foreign key may hold another column's value.
            target = self._column.related_model._base_manager.using(using).filter(pk__in=part)
            rows = self._table._base_manager.using(using)
            yield rows.filter(**{f"{self._column.name}__in": target}).order_by()


def pointers_at(model: Model) -> Iterator[Pointer]:
    """Yield all ways by which rows point at those of a model."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel):
            continue
        column: Any = relation.field
        table = relation.related_model
        # Where no constraint is wanted, as for histories, a row may point at what is gone.
        if not column.db_constraint or not table._meta.managed:
            continue
        if not table._meta.auto_created:
            is_content = relation.on_delete in _CASCADES
            label = f"{table._meta.label}.{column.name}"
            yield Pointer(table, label, is_content, table, "pk", column)
        elif link := _link_to(table, column):
            # The row that has the field points; its own links go with it.
            owner = link.model
            label = f"{owner._meta.label}.{link.name}"
            yield Pointer(owner, label, False, table, link.m2m_field_name(), column)


def _link_to(table: Model, column: Any) -> Any:
    """Return the many-to-many field whose links point at their target by ``column``, if any."""
    owner: Any = table._meta.auto_created
    for one in owner._meta.local_many_to_many:
        if one.remote_field.through is table and one.m2m_reverse_field_name() == column.name:
            return one
    return None
