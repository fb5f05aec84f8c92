"""The jobs that a claim returns, as models."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections
from django.db.models import DateTimeField

from django_outbox.backends.rows import bare_job
from django_outbox.models import JobStatus, OutboxJob

__all__ = ["RETURNED", "fetch_claimed"]

# What is known without asking.
_KNOWN = {"status": JobStatus.IN_PROGRESS.value, "finished_at": None}

_FIELDS = [
    field
    for field in OutboxJob._meta.concrete_fields
    if field.name not in (*_KNOWN, "worker", "lease_until")
]
_NAMES = [field.attname for field in _FIELDS]
_MOMENTS = [field.attname for field in _FIELDS if isinstance(field, DateTimeField)]

#: The columns that a claim returns, as its statement names them.
RETURNED = ", ".join(str(field.column) for field in _FIELDS)


def fetch_claimed(
    sql: str, parameters: Sequence[Any], *, worker: str, lease_seconds: float, using: str
) -> list[OutboxJob]:
    """Return the jobs of a statement that claims for ``worker`` and returns ``RETURNED``."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    known = {**_KNOWN, "worker": worker}
    lease = timedelta(seconds=lease_seconds)
    return [_job(row, known, lease, using) for row in rows]


def _job(row: Sequence[Any], known: Mapping[str, Any], lease: timedelta, using: str) -> OutboxJob:
    values = {**known, **dict(zip(_NAMES, row, strict=True))}
    # What the converters of every field come to.
    for name in ("payload", "result", "progress"):
        if isinstance(values[name], str):
            values[name] = json.loads(values[name])
    for name in _MOMENTS:
        values[name] = _moment(values[name])
    # Both are the server's now, give or take what a statement lasts.
    values["lease_until"] = values["started_at"] + lease
    return bare_job(values, using)


def _moment(value: Any) -> datetime:
    """Return the moment that a driver has as text, without its zone, or whole. They are UTC."""
    moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
