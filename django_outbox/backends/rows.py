"""Rows of the table as models."""

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models.base import ModelState

from django_outbox.models import OutboxJob

__all__ = ["COLUMNS", "fetch_jobs", "fetch_values"]

_FIELDS = {str(field.column): field for field in OutboxJob._meta.concrete_fields}
_NAMES = [field.attname for field in _FIELDS.values()]

#: All columns, as a statement names them.
COLUMNS = ", ".join(_FIELDS)


def fetch_jobs(sql: str, parameters: Sequence[Any], *, using: str) -> list[OutboxJob]:
    """Return what a statement that returns all columns, in their order, gives back."""
    rows = fetch_values(sql, parameters, list(_FIELDS), using=using)
    return [_job(row, using) for row in rows]


def _job(row: Sequence[Any], using: str) -> OutboxJob:
    """
    Return the model of a whole row.

    As Model.from_db() does, without __init__(), its signals and its search for deferred fields:
    they take longer than all the rest of a short job.
    """
    job = OutboxJob.__new__(OutboxJob)
    state = ModelState()
    state.adding, state.db = False, using
    job.__dict__.update(zip(_NAMES, row, strict=True), _state=state)
    return job


def fetch_values(
    sql: str, parameters: Sequence[Any], columns: Sequence[str], *, using: str
) -> list[list[Any]]:
    """Return the values of ``columns``, which the statement returns first, as Python has them."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = [list(row[: len(columns)]) for row in cursor.fetchall()]
    if not rows:
        return rows
    for index, name in enumerate(columns):
        column = _FIELDS[name].cached_col
        converters = [
            *connection.ops.get_db_converters(column),
            *column.get_db_converters(connection),
        ]
        for convert in converters:
            for row in rows:
                row[index] = convert(row[index], column, connection)
    return rows
