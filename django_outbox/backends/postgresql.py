"""PostgreSQL 14 and later."""

import time
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from typing import Any

from django.db import DatabaseError, IntegrityError, connections, transaction

from django_opskit.clock import NOW_SQL
from django_opskit.conflicts import is_conflict
from django_outbox.backends.base import Head, NewJob
from django_outbox.backends.bulk import insert_around_twins
from django_outbox.backends.copying import copy_jobs
from django_outbox.backends.floor import Floor
from django_outbox.backends.returning import ReturningStore
from django_outbox.backends.wakeup import CHANNEL
from django_outbox.models import OutboxJob

__all__ = ["PostgreSQLStore"]

# From lane to lane: each step is one probe of the index outbox_job_lane, and it meets the head
# of the next lane first. What stands behind the head is never read.
_HEADS = f"""
WITH RECURSIVE lane (group_key, id, run_after, n) AS (
    (SELECT group_key, id, run_after, 1 FROM outbox_job
     WHERE status = 'PENDING' AND queue = %s AND group_key > '' AND group_key > %s
     ORDER BY group_key, id LIMIT 1)
    UNION ALL
    SELECT following.group_key, following.id, following.run_after, n + 1
    FROM lane CROSS JOIN LATERAL (
        SELECT group_key, id, run_after FROM outbox_job
        WHERE status = 'PENDING' AND queue = %s AND group_key > '' AND group_key > lane.group_key
        ORDER BY group_key, id LIMIT 1
    ) AS following WHERE n < %s
)
SELECT group_key, id, run_after <= {NOW_SQL["postgresql"]} AND NOT EXISTS (
    SELECT 1 FROM outbox_job AS running WHERE running.status = 'IN_PROGRESS'
    AND running.queue = %s AND running.group_key > '' AND running.group_key = lane.group_key
) FROM lane ORDER BY group_key
"""

_TWINS = """
SELECT job.job_type, job.dedup_key
FROM UNNEST(%s::text[], %s::text[]) AS wanted (job_type, dedup_key)
JOIN outbox_job AS job ON job.job_type = wanted.job_type AND job.dedup_key = wanted.dedup_key
WHERE job.status = 'PENDING' AND job.dedup_key IS NOT NULL FOR KEY SHARE OF job
"""


class PostgreSQLStore(ReturningStore):
    """Many workers claim side by side: each passes over the rows that another has locked."""

    vendor = "postgresql"
    json_parameter = "%s::jsonb"
    moment_parameter = "%s::timestamptz"
    # The weakest lock that a claim's FOR UPDATE passes over. Other callers may hold it too.
    twin_lock = "FOR KEY SHARE"
    least = "LEAST"
    notify = (
        f", CASE WHEN run_after <= {NOW_SQL['postgresql']} "
        f"THEN pg_notify('{CHANNEL}', queue)::text END"
    )
    notify_now = f", pg_notify('{CHANNEL}', queue)"
    # ARRAY(...) runs the sub-select once; as IN (SELECT ...) the planner may run it again per
    # row and claim more than the limit. 'PENDING' is a literal, so that the partial index fits.
    # One priority after the other: within one the index is in the order of run_after, and what
    # is not due yet is never read. LATERAL makes it a nested loop in the order of the levels.
    claim_sql = """
        UPDATE outbox_job SET {taken}
        WHERE id = ANY(ARRAY(
            WITH RECURSIVE level (priority) AS (
                (SELECT priority FROM outbox_job
                 WHERE status = 'PENDING' AND queue = %s AND group_key = ''
                 ORDER BY priority DESC LIMIT 1)
                UNION ALL
                SELECT (SELECT priority FROM outbox_job WHERE status = 'PENDING'
                        AND queue = %s AND group_key = '' AND priority < level.priority
                        ORDER BY priority DESC LIMIT 1)
                FROM level WHERE level.priority IS NOT NULL
            )
            SELECT due.id FROM level CROSS JOIN LATERAL (
                SELECT id FROM outbox_job WHERE status = 'PENDING' AND queue = %s
                AND group_key = '' AND priority = level.priority AND run_after <= {now}
                ORDER BY run_after, id LIMIT %s FOR UPDATE SKIP LOCKED
            ) AS due LIMIT %s
        )) AND {durability}
        RETURNING {columns}
    """
    # Behind the floor there is one priority, so one run along the index will do.
    claim_on_sql = """
        UPDATE outbox_job SET {taken}
        WHERE id = ANY(ARRAY(
            SELECT id FROM outbox_job WHERE status = 'PENDING' AND queue = %s
            AND group_key = '' AND priority = %s AND run_after <= {now}
            AND (run_after, id) > (%s, %s)
            ORDER BY run_after, id LIMIT %s FOR UPDATE SKIP LOCKED
        )) AND {durability}
        RETURNING {columns}
    """
    take_sql = """
        UPDATE outbox_job SET {taken}
        WHERE id = ANY(ARRAY(
            SELECT id FROM outbox_job AS head
            WHERE id = ANY(%s) AND status = 'PENDING' AND run_after <= {now} AND NOT EXISTS (
                SELECT 1 FROM outbox_job AS running WHERE running.status = 'IN_PROGRESS'
                AND running.queue = head.queue AND running.group_key > ''
                AND running.group_key = head.group_key
            ) FOR UPDATE OF head SKIP LOCKED
        )) AND {durability}
        RETURNING {columns}
    """

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take due jobs; see :class:`~django_outbox.backends.base.Store`."""
        claimed: list[OutboxJob] = []
        floor = self._floors.pop(queue, None)
        if floor is not None and floor.is_valid:
            place = (queue, floor.priority, floor.run_after, floor.job_id, limit)
            claimed = _in_order(self._claim(self.claim_on_sql, (worker, lease_seconds, *place)))
            if len(claimed) == limit:
                self._floors[queue] = floor.raised(claimed[-1])
                return claimed
        started = time.monotonic()
        left = limit - len(claimed)
        found = _in_order(
            self._claim(self.claim_sql, (worker, lease_seconds, queue, queue, queue, left, left))
        )
        if len(found) == left:
            look_s = time.monotonic() - started
            self._floors[queue] = Floor.behind(found[-1], look_seconds=look_s)
        return claimed + found

    def _claim(self, template: str, parameters: Sequence[Any]) -> list[OutboxJob]:
        # A claim need not wait for the disk: one that a crash of the server undoes is made
        # again. What else a caller's transaction has written shall be safe.
        relaxed = "(SELECT set_config('synchronous_commit', 'off', true)) IS NOT NULL"
        is_inside = connections[self.alias].in_atomic_block
        return super()._claim(
            template.replace("{durability}", "TRUE" if is_inside else relaxed), parameters
        )

    def heads(self, *, queue: str, after: str, lanes: int) -> list[Head]:
        """Return the heads of lanes; see :class:`~django_outbox.backends.base.Store`."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(_HEADS, (queue, after, queue, lanes, queue))
            return [Head(*row) for row in cursor.fetchall()]

    def take(self, ids: Collection[int], *, worker: str, lease_seconds: float) -> list[OutboxJob]:
        """Take heads; see :class:`~django_outbox.backends.base.Store`."""
        taken = self._take_unless_lost(list(ids), worker, lease_seconds)
        if taken is None:
            # One lane was lost to another claimer. Which one, only one by one can tell.
            each = (self._take_unless_lost([one], worker, lease_seconds) for one in ids)
            taken = [job for jobs in each for job in jobs or ()]
        return sorted(taken, key=lambda job: job.group_key)

    def _take_unless_lost(
        self, ids: Sequence[int], worker: str, lease_seconds: float
    ) -> list[OutboxJob] | None:
        is_inside = connections[self.alias].in_atomic_block
        try:
            # A statement of its own is a transaction; in a caller's one it may not fail.
            with transaction.atomic(using=self.alias) if is_inside else nullcontext():
                return self._claim(self.take_sql, (worker, lease_seconds, list(ids)))
        except IntegrityError:
            return None
        except DatabaseError as error:
            if not is_conflict(error):
                raise
            return None

    def insert_many(self, jobs: Sequence[NewJob]) -> int:
        """Store many jobs; see :class:`~django_outbox.backends.base.Store`."""
        return insert_around_twins(
            jobs, lock_twins=self._lock_twins, insert=self._copy, using=self.alias
        )

    def _copy(self, jobs: Sequence[NewJob]) -> None:
        copy_jobs(jobs, using=self.alias)

    def _lock_twins(self, keys: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        with connections[self.alias].cursor() as cursor:
            cursor.execute(_TWINS, ([one for one, _ in keys], [key for _, key in keys]))
            return {(job_type, key) for job_type, key in cursor.fetchall()}


def _in_order(jobs: list[OutboxJob]) -> list[OutboxJob]:
    """Sort what RETURNING gave: it promises no order."""
    return sorted(jobs, key=lambda job: (-job.priority, job.run_after, job.pk))
