"""COPY, the quickest way into a table of PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta

from django.db import connections
from django.db.backends.postgresql.psycopg_any import is_psycopg3

from django_opskit.clock import NOW_SQL
from django_outbox.backends.base import NewJob

__all__ = ["copy_jobs"]

_COLUMNS = (
    "queue, job_type, dedup_key, payload, status, priority, run_after, attempts, max_attempts, "
    "group_key, window_key, worker, claim_no, created_at, last_error"
)
_COPY = f"COPY outbox_job ({_COLUMNS}) FROM STDIN"
_INSERT = f"INSERT INTO outbox_job ({_COLUMNS}) VALUES ({', '.join(['%s'] * 15)})"


def copy_jobs(jobs: Sequence[NewJob], *, using: str) -> None:
    """
    Store all of ``jobs`` in their order; with psycopg 2, which copies otherwise, one by one.

    Raises:
        IntegrityError: one of them has a twin; none was stored.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        # COPY takes values and no expressions, and due times go by the server's clock.
        cursor.execute(f"SELECT {NOW_SQL['postgresql']}")
        (now,) = cursor.fetchone()
        created_at = now.isoformat()
        rows = (
            (
                job.queue,
                job.job_type,
                job.dedup_key,
                job.payload_json,
                "PENDING",
                job.priority,
                (
                    (job.run_after or now + timedelta(seconds=job.delay_seconds)).isoformat()
                    if job.run_after or job.delay_seconds
                    else created_at
                ),
                0,
                job.max_attempts,
                job.group_key,
                None,
                "",
                0,
                created_at,
                "",
            )
            for job in jobs
        )
        if not is_psycopg3:
            cursor.executemany(_INSERT, list(rows))
            return
        with connection.wrap_database_errors, cursor.copy(_COPY) as copy:
            for row in rows:
                copy.write_row(row)
