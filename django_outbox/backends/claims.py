"""The jobs that a claim returns, as models."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.db import connections
from django.db.models import DateTimeField, JSONField

from django_outbox.backends.rows import bare_job
from django_outbox.models import JobStatus, OutboxJob

__all__ = ["RETURNED", "RETURNED_AS_TEXT", "fetch_claimed"]

# What is known without asking.
_KNOWN = {"status": JobStatus.IN_PROGRESS.value, "finished_at": None}

_FIELDS = [
    field
    for field in OutboxJob._meta.concrete_fields
    if field.name not in (*_KNOWN, "worker", "lease_until")
]
_NAMES = [field.attname for field in _FIELDS]
_JSON = [field.attname for field in _FIELDS if isinstance(field, JSONField)]
_MOMENTS = [field.attname for field in _FIELDS if isinstance(field, DateTimeField)]

# Without the checks that json.loads() makes at each call.
_decode = json.JSONDecoder().decode

#: The columns that a claim returns, as its statement names them.
RETURNED = ", ".join(str(field.column) for field in _FIELDS)

#: The same for SQLite. An expression has no declared type, so that Django's converters of moments
#: are not called from inside the driver, for each by itself.
RETURNED_AS_TEXT = ", ".join(
    f"{field.column} || ''" if field.attname in _MOMENTS else str(field.column) for field in _FIELDS
)


def fetch_claimed(
    sql: str, parameters: Sequence[Any], *, worker: str, lease_seconds: float, using: str
) -> list[OutboxJob]:
    """Return the jobs of a statement that claims for ``worker`` and returns either list above."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    known = {**_KNOWN, "worker": worker}
    lease = timedelta(seconds=lease_seconds)
    # Jobs that were stored or claimed together share their moments.
    read = cache(_read_moment)
    return [_job(row, known, lease, read, using) for row in rows]


def _job(
    row: Sequence[Any],
    known: Mapping[str, Any],
    lease: timedelta,
    read: Callable[[str], datetime],
    using: str,
) -> OutboxJob:
    """Do what the converters of every field come to, once per job and therefore in a hurry."""
    values = dict(zip(_NAMES, row, strict=True))
    values.update(known)
    for name in _JSON:
        if isinstance(values[name], str):
            values[name] = _decode(values[name])
    for name in _MOMENTS:
        moment = values[name]
        # A driver has it as text, without its zone, or whole. They are UTC.
        if isinstance(moment, str):
            values[name] = read(moment)
        elif moment.tzinfo is None:
            values[name] = moment.replace(tzinfo=UTC)
    # Both are the server's now, give or take what a statement lasts.
    values["lease_until"] = values["started_at"] + lease
    return bare_job(values, using)


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
