"""
Hourly and daily figures, added up along with every result, in its transaction.

So they are equal to what the results themselves would give, also after these were deleted, and
a result that comes late goes into the hour in which it was measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connections, router

from django_health_check_job.engine.outcome import State
from django_health_check_job.models import Rollup
from django_opskit.batches import batches

__all__ = ["Measured", "add", "bucket_start"]

_COUNTERS = {
    State.UP: "ups",
    State.WARN: "warns",
    State.UNKNOWN: "unknowns",
    State.DOWN: "downs",
}
_SUMS = (*_COUNTERS.values(), "total_us")
# Bounds of the statements: SQLite takes 32,766 parameters, in older versions 999.
_ROWS_PER_STATEMENT = 80


@dataclass(frozen=True)
class Measured:
    """One result as a rollup sees it; a duration of None counts and adds nothing to the times."""

    check_id: int
    at: datetime
    state: State
    duration_seconds: float | None


def bucket_start(at: datetime, span: str) -> datetime:
    """Return the beginning of the hour or the day, in UTC, that ``at`` belongs to."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if span == Rollup.Span.HOUR else hour.replace(hour=0)


def add(results: Iterable[Measured], *, using: str | None = None) -> None:
    """Add results to their buckets; call it inside the transaction that stores them."""
    using = using or router.db_for_write(Rollup)
    buckets: dict[tuple[int, str, datetime], dict[str, Any]] = {}
    for one in results:
        for span in Rollup.Span.values:
            key = (one.check_id, span, bucket_start(one.at, span))
            _count(buckets.setdefault(key, _empty()), one)
    # In one order, so that two writers never wait for each other in a circle.
    rows = [(*key, *buckets[key].values()) for key in sorted(buckets)]
    for part in batches(rows, _ROWS_PER_STATEMENT):
        _upsert(part, using)


def _empty() -> dict[str, Any]:
    return {**dict.fromkeys(_SUMS, 0), "least_us": None, "most_us": None}


def _count(bucket: dict[str, Any], one: Measured) -> None:
    bucket[_COUNTERS[one.state]] += 1
    if one.duration_seconds is None:
        return
    took_us = round(one.duration_seconds * 1_000_000)
    bucket["total_us"] += took_us
    least, most = bucket["least_us"], bucket["most_us"]
    bucket["least_us"] = took_us if least is None else min(least, took_us)
    bucket["most_us"] = took_us if most is None else max(most, took_us)


def _upsert(rows: Sequence[tuple[Any, ...]], using: str) -> None:
    """Insert the buckets, and add to those that are there, in one statement."""
    connection = connections[using]
    table = connection.ops.quote_name(Rollup._meta.db_table)
    columns = ("check_id", "span", "starts_at", *_empty())
    adapt = connection.ops.adapt_datetimefield_value
    parameters = [value for row in rows for value in (row[0], row[1], adapt(row[2]), *row[3:])]
    row_sql = f"({', '.join(['%s'] * len(columns))})"
    new = "VALUES({})" if connection.vendor == "mysql" else "excluded.{}"
    sets = [f"{name} = {table}.{name} + {new.format(name)}" for name in _SUMS]
    # LEAST and GREATEST pass over NULL on PostgreSQL only; SQLite calls them MIN and MAX.
    is_sqlite = connection.vendor == "sqlite"
    for name, function in (
        ("least_us", "MIN" if is_sqlite else "LEAST"),
        ("most_us", "MAX" if is_sqlite else "GREATEST"),
    ):
        old, added = f"{table}.{name}", new.format(name)
        sets.append(f"{name} = {function}(COALESCE({old}, {added}), COALESCE({added}, {old}))")
    conflict = (
        "ON DUPLICATE KEY UPDATE"
        if connection.vendor == "mysql"
        else "ON CONFLICT (check_id, span, starts_at) DO UPDATE SET"
    )
    with connection.cursor() as cursor:
        cursor.execute(  # names of our own; values are parameters
            f"INSERT INTO {table} ({', '.join(columns)}) "
            f"VALUES {', '.join([row_sql] * len(rows))} {conflict} {', '.join(sets)}",
            parameters,
        )
