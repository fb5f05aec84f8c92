"""
Many new rows at once, past the ORM.

Django's ``bulk_create`` takes 200 µs for a case of 33 columns, most of it in Python; a first report
of a large network has 100,000 of them. PostgreSQL takes rows by COPY, the others by a prepared
statement, for a tenth of that. The rows get no signals, and no keys are told.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.db import connections, models, router

__all__ = ["load"]

_AT_ONCE = 10_000


def load(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """
    Insert rows, in the caller's transaction; columns that are not named must have a default.

    Args:
        model: whose table.
        names: of fields; a foreign key by its ``_id``.
        rows: values in that order: texts, numbers, truths, days, None; lists and dicts for JSON.
    """
    connection = connections[router.db_for_write(model)]
    quote = connection.ops.quote_name
    places = {field.attname: str(field.column) for field in model._meta.concrete_fields}
    columns = ", ".join(quote(places[name]) for name in names)
    table = quote(model._meta.db_table)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and hasattr(cursor.cursor, "copy"):
            statement = f"COPY {table} ({columns}) FROM STDIN"
            # Django turns the driver's errors into its own wherever it executes; not here.
            with connection.wrap_database_errors, cursor.copy(statement) as copy:
                for row in _prepared(rows, days_as_text=False):
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(names))
        # Names of ours, and marks.
        statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
        # A driver of SQLite's does not know days any more.
        prepared = _prepared(rows, days_as_text=connection.vendor == "sqlite")
        while some := list(islice(prepared, _AT_ONCE)):
            cursor.executemany(statement, some)


def _prepared(rows: Iterable[Sequence[Any]], *, days_as_text: bool) -> Iterator[list[Any]]:
    for row in rows:
        yield [
            json.dumps(value)
            if isinstance(value, dict | list | tuple)
            else value.isoformat()
            if days_as_text and isinstance(value, date)
            else value
            for value in row
        ]
