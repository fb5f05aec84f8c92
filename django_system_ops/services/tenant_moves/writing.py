"""
Rows as they are, into their tables: no ``save()``, no signals, no ``auto_now``.

One statement for many rows, whatever a field would do of its own in ``pre_save()``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connections, models
from django.db.models import Value
from django.db.models.functions import Cast

from django_system_ops.exceptions import TenantMoveError
from django_system_ops.services.tenant_moves.graphs import Node
from django_system_ops.services.texts import one_line

__all__ = ["insert_rows", "update_rows"]

# A statement that sets so many rows to values of their own grows with their square.
_AT_ONCE = 200


def update_rows(
    node: Node, wanted: Mapping[str, Mapping[str, Any]], names: Sequence[str], *, using: str
) -> None:
    """
    Set columns of rows, which are known by their primary keys as text.

    Raises:
        TenantMoveError: as :func:`insert_rows`.
    """
    if not wanted or not names:
        return
    instances = []
    for text, values in wanted.items():
        instance = node.model(pk=node.key_of(text))
        for name in names:
            setattr(instance, name, _written(node, name, values[name], in_update=True))
        instances.append(instance)
    rows = node.model._base_manager.using(using)
    fields = [node.model._meta.get_field(name).name for name in names]
    try:
        rows.bulk_update(instances, fields, batch_size=_AT_ONCE)
    except IntegrityError as error:
        raise TenantMoveError(
            f"{node.label}: the database refuses a change: {one_line(error).rstrip('.')}."
        ) from error


def insert_rows(node: Node, rows: Sequence[Mapping[str, Any]], *, using: str) -> list[Any]:
    """
    Insert rows as they are, and return their primary keys in the same order.

    Raises:
        TenantMoveError: the database keeps something unique, or a rule, that a row breaks.
    """
    if not rows:
        return []
    pk = node.pk
    is_made = isinstance(pk, models.AutoField)
    fields = [one for one in node.fields if not (is_made and one is pk)]
    connection = connections[using]
    size = len(rows)
    if not connection.features.can_return_rows_from_bulk_insert:
        size = 1
    elif fields:
        size = min(size, connection.ops.bulk_batch_size(fields, list(rows)))
    keys: list[Any] = []
    try:
        for start in range(0, len(rows), size):
            keys += _insert_some(
                node, fields, rows[start : start + size], is_made=is_made, using=using
            )
    except IntegrityError as error:
        raise TenantMoveError(
            f"{node.label}: the database refuses a copy: {one_line(error).rstrip('.')}. "
            "What was copied until then is known, and is not copied again."
        ) from error
    return keys


def _insert_some(
    node: Node, fields: Any, rows: Sequence[Mapping[str, Any]], *, is_made: bool, using: str
) -> list[Any]:
    instances = [
        node.model(
            **{one.attname: _written(node, one.attname, values[one.attname]) for one in fields}
        )
        for values in rows
    ]
    manager: Any = node.model._base_manager
    # Raw, as loaddata has it: no pre_save() of a field, so auto_now stays as it is.
    made = manager._insert(
        instances,
        fields=fields,
        returning_fields=[node.pk] if is_made else None,
        using=using,
        raw=True,
    )
    if is_made:
        return [row[0] for row in made]
    return [values[node.pk.attname] for values in rows]


def _written(node: Node, name: str, value: Any, *, in_update: bool = False) -> Any:
    """Return a value as it is written: what JSON calls null is none of the database, or is."""
    field = node.model._meta.get_field(name)
    if value is not None or not isinstance(field, models.JSONField):
        return value
    if not in_update:
        return None if field.null else Value(None, output_field=models.JSONField())
    # Between the cases of an UPDATE, Django has NULL and the null of JSON the other way round.
    text = Value(None if field.null else "null", output_field=models.TextField())
    return text if field.null else Cast(text, models.JSONField())
