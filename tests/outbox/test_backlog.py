"""What a claim reads, measured by the database itself: not more when more jobs wait."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota

pytestmark = pytest.mark.django_db

NEVER = datetime(2999, 1, 1, tzinfo=UTC)


def schedule(count: int) -> None:
    """Store so many jobs of each of two priorities that are due in the far future."""
    jobs = [
        OutboxJob(job_type="TEST_JOB", priority=priority, run_after=NEVER)
        for priority in (0, 5)
        for _ in range(count)
    ]
    OutboxJob.objects.bulk_create(jobs, batch_size=1000)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE outbox_job")


def claim() -> list[OutboxJob]:
    return QueueRota(["default"], worker="w", lease_seconds=60, using="default").claim(10)


def reads(function: Callable[[], object]) -> int:
    """Return how much the database reads: pages, rows or instructions, whatever it counts."""
    if connection.vendor == "postgresql":
        with CaptureQueriesContext(connection) as captured:
            function()
        with connection.cursor() as cursor:
            plans = []
            for query in captured:
                cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query['sql']}")
                plans += cursor.fetchone()[0]
        return sum(
            plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] for plan in plans
        )
    if connection.vendor == "mysql":
        before = handler_reads()
        function()
        return handler_reads() - before
    ticks = []
    connection.connection.set_progress_handler(lambda: ticks.append(1), 100)
    try:
        function()
    finally:
        connection.connection.set_progress_handler(None, 0)
    return len(ticks)


def handler_reads() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%%'")
        return sum(int(count) for _, count in cursor.fetchall())


def test_jobs_that_are_scheduled_for_later_are_not_read():
    """Neither those of the same priority nor those of a higher one, which stand before it."""
    schedule(5)
    few = reads(claim)
    schedule(5000)

    many = reads(claim)

    assert many - few < 30
    due = enqueue("TEST_JOB")
    assert claim() == [due]
