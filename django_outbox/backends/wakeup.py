"""Telling idle workers that there is something to do, where a database can tell them."""

from collections.abc import Collection

from django.db import connections

__all__ = ["CHANNEL", "wake_up", "wake_up_for"]

#: The channel on which PostgreSQL tells workers a queue's name.
CHANNEL = "outbox_job"

_BY_QUEUE = f"SELECT pg_notify('{CHANNEL}', queue) FROM UNNEST(%s::text[]) AS queue"

_BY_JOB = f"""
SELECT pg_notify('{CHANNEL}', queue) FROM (
    SELECT DISTINCT queue FROM outbox_job
    WHERE id = ANY(%s::bigint[]) AND status = 'PENDING' AND run_after <= STATEMENT_TIMESTAMP()
) AS waiting
"""


def wake_up(queues: Collection[str], *, using: str) -> None:
    """
    Tell idle workers that jobs of ``queues`` are due, when the transaction commits.

    Only PostgreSQL can: workers on SQLite watch the file, and those on MariaDB poll.
    """
    _tell(_BY_QUEUE, list(queues), using)


def wake_up_for(ids: Collection[int], *, using: str) -> None:
    """Tell idle workers of those jobs among ``ids`` that are due; see :func:`wake_up`."""
    _tell(_BY_JOB, list(ids), using)


def _tell(sql: str, values: list[str] | list[int], using: str) -> None:
    connection = connections[using]
    if values and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql, (values,))
