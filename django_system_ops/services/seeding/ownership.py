"""Noting which rows were made, and what they were like."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count, repeat
from typing import Any

from django.db import models, transaction

from django_opskit.batches import batches
from django_system_ops.models import SeededRow

__all__ = ["differ", "digests", "note_rows"]

_AT_ONCE = 500
_DIGITS = 12


def note_rows(
    batch: str,
    tenant: str,
    rows: Mapping[type[models.Model], Sequence[Any]],
    *,
    using: str,
    now: datetime,
    files: Mapping[tuple[type[models.Model], Any], Mapping[str, str]] | None = None,
    serial: int | None = None,
) -> None:
    """
    Note the keys of rows, in the transaction that has made them.

    ``files`` are those that were saved for a row, by its model and key: their names by the columns.
    ``serial`` is the number of the first row of each model, the others count on.
    """
    for model, pks in rows.items():
        numbers = count(serial) if serial is not None else repeat(None)
        for part in batches(pks, _AT_ONCE):
            found = digests(model, part, using=using)
            notes = SeededRow.objects.using(using)
            # Who had such a key before is gone, or the row could not have been made.
            keys = [str(pk) for pk in part]
            notes.filter(model=model._meta.label, object_pk__in=keys).delete()
            notes.bulk_create(
                SeededRow(
                    batch=batch,
                    tenant=tenant,
                    model=model._meta.label,
                    object_pk=key,
                    digests=found.get(pk, {}),
                    files=dict((files or {}).get((model, pk), {})),
                    serial=number,
                    made_at=now,
                )
                for pk, key, number in zip(part, keys, numbers)  # noqa: B905  # without an end
            )


def digests(
    model: type[models.Model], pks: Iterable[Any], *, using: str, is_locking: bool = False
) -> dict[Any, dict[str, str]]:
    """
    Return what identifies the contents of rows, by their keys; a row that is gone has none.

    That is a hash for each column, so that a row can be compared when the model has others. It is
    made of what the database gives back, so that what a database rounds is rounded. With
    ``is_locking`` nobody changes the rows before the transaction ends.
    """
    names = [
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key and not getattr(field, "generated", False)
    ]
    rows = model._base_manager.using(using).filter(pk__in=list(pks)).order_by()
    if is_locking and transaction.get_connection(using).features.has_select_for_update:
        rows = rows.select_for_update()
    return {
        row[0]: {name: _digest(value) for name, value in zip(names, row[1:], strict=True)}
        for row in rows.values_list("pk", *names)
    }


def differ(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Return whether a row has changed, by the columns that it still has."""
    return any(now[name] != digest for name, digest in before.items() if name in now)


def _digest(value: Any) -> str:
    # What PostgreSQL gives for bytes is called by its place in memory.
    plain = bytes(value) if isinstance(value, memoryview) else value
    return hashlib.sha256(repr(plain).encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
