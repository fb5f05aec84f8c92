"""Rows of the table as models."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.base import ModelState
from django.db.models.expressions import Col

from django_outbox.models import OutboxJob

__all__ = ["COLUMNS", "bare_job", "converters", "fetch_jobs"]

_FIELDS = {str(field.column): field for field in OutboxJob._meta.concrete_fields}
_NAMES = [field.attname for field in _FIELDS.values()]

#: All columns, as a statement names them.
COLUMNS = ", ".join(_FIELDS)


def fetch_jobs(sql: str, parameters: Sequence[Any], *, using: str) -> list[OutboxJob]:
    """Return what a statement that returns all columns, in their order, gives back."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = [list(row[: len(_NAMES)]) for row in cursor.fetchall()]
    if not rows:
        return []
    for index, field in enumerate(_FIELDS.values()):
        column = field.cached_col
        for convert in converters(column, connection):
            for row in rows:
                row[index] = convert(row[index], column, connection)
    return [bare_job(dict(zip(_NAMES, row, strict=True)), using) for row in rows]


def bare_job(values: dict[str, Any], using: str) -> OutboxJob:
    """
    Return the model of a whole row: ``values`` are its attributes, and become its own.

    As Model.from_db() does, without __init__(), its signals and its search for deferred fields:
    they take longer than all the rest of a short job.
    """
    job = OutboxJob.__new__(OutboxJob)
    state = ModelState()
    state.adding, state.db = False, using
    values["_state"] = state
    job.__dict__ = values
    return job


def converters(column: Col, connection: BaseDatabaseWrapper) -> list[Callable[..., Any]]:
    """Return what makes a value of ``column`` out of the database's; most need nothing."""
    return [
        *connection.ops.get_db_converters(column),
        *column.get_db_converters(connection),
    ]
