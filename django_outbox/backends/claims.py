"""The jobs that a claim returns, as models."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.db import connections
from django.db.models.base import ModelState

from django_outbox.models import JobStatus, OutboxJob

__all__ = ["RETURNED", "fetch_claimed"]

# What nearly no handler reads stays in the database until one does: Django fetches a deferred
# field at its first use. The rest is known without asking, or is RETURNED.
_DEFERRED = ("lease_until", "result", "progress", "window_key")
_KNOWN = {"status": JobStatus.IN_PROGRESS.value, "finished_at": None}

_FIELDS = [
    field
    for field in OutboxJob._meta.concrete_fields
    if field.name not in (*_DEFERRED, *_KNOWN, "worker")
]
_NAMES = [field.attname for field in _FIELDS]

#: The columns that a claim returns, as its statement names them.
RETURNED = ", ".join(str(field.column) for field in _FIELDS)


def fetch_claimed(
    sql: str, parameters: Sequence[Any], *, worker: str, using: str
) -> list[OutboxJob]:
    """Return the jobs of a statement that claims for ``worker`` and returns ``RETURNED``."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    known = {**_KNOWN, "worker": worker}
    convert = _converters(using)
    return [_job(row, convert, known, using) for row in rows]


def _job(
    row: Sequence[Any],
    convert: Sequence[tuple[str, Callable[[Any], Any]]],
    known: Mapping[str, Any],
    using: str,
) -> OutboxJob:
    """
    Return the model of a row.

    As Model.from_db() does, without __init__(), its signals and its search for deferred fields:
    they take longer than all the rest of a short job.
    """
    job = OutboxJob.__new__(OutboxJob)
    state = ModelState()
    state.adding, state.db = False, using
    values = job.__dict__
    values.update(known)
    values.update(zip(_NAMES, row, strict=True))
    for name, converter in convert:
        if values[name] is not None:
            values[name] = converter(values[name])
    values["_state"] = state
    return job


@cache
def _converters(using: str) -> list[tuple[str, Callable[[Any], Any]]]:
    """Return what turns the driver's values into Python's, by field."""
    connection = connections[using]
    found: list[tuple[str, Callable[[Any], Any]]] = []
    for field in _FIELDS:
        column = field.cached_col
        converters = (
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        )
        found += [(field.attname, _bound(convert, column, using)) for convert in converters]
    return found


def _bound(convert: Callable[..., Any], column: Any, using: str) -> Callable[[Any], Any]:
    # Looked up anew each time: each thread has a connection of its own.
    return lambda value: convert(value, column, connections[using])
