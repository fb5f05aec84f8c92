"""Rows of ``outbox_job`` in the quickest way, for every contender that works on that table."""

from typing import Any

from django.db import connection

from benchmarks.programs.django_site import execute

__all__ = ["COLUMNS", "clear", "clone_last", "insert_many", "values"]

#: What ``enqueue`` writes.
COLUMNS = (
    "queue, job_type, dedup_key, payload, status, priority, run_after, attempts, max_attempts, "
    "group_key, window_key, worker, claim_no, created_at, last_error"
)

_NOW = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
    "mysql": "UTC_TIMESTAMP(6)",
}
_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"


def values(*, payload: str, status: str = "PENDING") -> str:
    """Return a row as the items of a SELECT or of VALUES; ``payload`` is an SQL expression."""
    now = _NOW[connection.vendor]
    return (
        f"'default', 'BENCH', NULL, {payload}, '{status}', 0, {now}, 0, 10, '', NULL, '', 0, "
        f"{now}, ''"
    )


def insert_many(count: int, *, seconds: float = 0.0, status: str = "PENDING") -> None:
    """Store the jobs 1 to ``count``."""
    if count < 1:
        return
    pattern = f'{{"n": ?, "s": {seconds}}}'
    payload = {
        "postgresql": f"REPLACE('{pattern}', '?', i::text)::jsonb",
        "sqlite": f"REPLACE('{pattern}', '?', i)",
        "mysql": f"REPLACE('{pattern}', '?', i)",
    }[connection.vendor]
    row = values(payload=payload, status=status)
    if connection.vendor == "postgresql":
        source = f"SELECT {row} FROM GENERATE_SERIES(1, %s) AS i"
    else:
        _allow_many_numbers()
        source = f"{_NUMBERS} SELECT {row} FROM n"
    execute(f"INSERT INTO outbox_job ({COLUMNS}) {source}", (count,))


def clone_last(count: int) -> None:
    """Store ``count`` more rows like the newest one, which an API has written."""
    if count < 1:
        return
    _allow_many_numbers()
    columns = f"{COLUMNS}, result, progress"
    source = f"SELECT {columns} FROM outbox_job CROSS JOIN n ORDER BY outbox_job.id DESC LIMIT %s"
    execute(f"INSERT INTO outbox_job ({columns}) {_NUMBERS} {source}", (count, count))


def _allow_many_numbers() -> None:
    """Both refuse to count beyond a thousand, each under a setting of its own."""
    if connection.vendor == "mysql":
        is_mariadb = getattr(connection, "mysql_is_mariadb", False)
        name = "max_recursive_iterations" if is_mariadb else "cte_max_recursion_depth"
        execute(f"SET {name} = 4294967295")


def clear() -> None:
    """Forget all jobs."""
    verb = "DELETE FROM" if connection.vendor == "sqlite" else "TRUNCATE"
    execute(f"{verb} outbox_job")


def as_json(number: int, seconds: float = 0.0) -> dict[str, Any]:
    """Return the payload of a job."""
    return {"n": number, "s": seconds}
