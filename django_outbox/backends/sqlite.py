"""SQLite 3.35 and later (RETURNING)."""

from collections.abc import Collection, Sequence
from itertools import chain

from django.db import connections, transaction

from django_opskit.clock import NOW_SQL
from django_outbox.backends.base import Head, NewJob, due_priorities, insert_parameters
from django_outbox.backends.claims import RETURNED_AS_TEXT
from django_outbox.backends.floor import Floor
from django_outbox.backends.returning import PENDING_ARBITER, ReturningStore, plain_insert_sql
from django_outbox.models import OutboxJob

__all__ = ["SQLiteStore"]

# From lane to lane: each step is one probe of the index outbox_job_lane, and so is the look for
# the head. The last step finds no lane and yields a NULL. The index is of use only to a query
# that says group_key > '', and the probe starts at the bound that is written first.
_HEADS = f"""
WITH RECURSIVE lane (group_key, n) AS (
    SELECT (SELECT group_key FROM outbox_job
            WHERE status = 'PENDING' AND queue = %s AND group_key > %s AND group_key > ''
            ORDER BY group_key LIMIT 1), 1
    UNION ALL
    SELECT (SELECT group_key FROM outbox_job
            WHERE status = 'PENDING' AND queue = %s
            AND group_key > lane.group_key AND group_key > '' ORDER BY group_key LIMIT 1), n + 1
    FROM lane WHERE lane.group_key IS NOT NULL AND n < %s
)
SELECT lane.group_key, head.id, head.run_after <= {NOW_SQL["sqlite"]} AND NOT EXISTS (
    SELECT 1 FROM outbox_job AS running WHERE running.status = 'IN_PROGRESS'
    AND running.queue = %s AND running.group_key > '' AND running.group_key = lane.group_key
) FROM lane CROSS JOIN outbox_job AS head ON head.id = (
    SELECT id FROM outbox_job WHERE status = 'PENDING' AND queue = %s
    AND group_key >= lane.group_key AND group_key > '' ORDER BY group_key, id LIMIT 1
) WHERE lane.group_key IS NOT NULL ORDER BY lane.n
"""


class SQLiteStore(ReturningStore):
    """One writer at a time: a statement that writes is a lock on the whole database."""

    vendor = "sqlite"
    json_parameter = "%s"
    moment_parameter = "%s"
    twin_lock = ""
    # Workers watch the file.
    notify = notify_now = ""
    least = "MIN"
    returned = RETURNED_AS_TEXT
    claim_sql = """
        UPDATE outbox_job SET {taken}
        WHERE id IN (
            SELECT id FROM outbox_job
            WHERE status = 'PENDING' AND queue = %s AND group_key = '' AND priority = %s
            AND run_after <= {now}
            ORDER BY run_after, id LIMIT %s
        )
        RETURNING {columns}
    """
    take_sql = """
        UPDATE outbox_job SET {taken}
        WHERE id IN ({ids}) AND status = 'PENDING' AND run_after <= {now} AND NOT EXISTS (
            SELECT 1 FROM outbox_job AS running WHERE running.status = 'IN_PROGRESS'
            AND running.queue = outbox_job.queue AND running.group_key > ''
            AND running.group_key = outbox_job.group_key
        )
        RETURNING {columns}
    """

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take due jobs; see :class:`~django_outbox.backends.base.Store`."""
        floor = self._floors.pop(queue, None)
        if floor is not None and floor.is_valid:
            claimed = self._claim_of(floor.priority, queue, limit, worker, lease_seconds)
            if len(claimed) == limit:
                self._floors[queue] = floor
                return claimed
            limit -= len(claimed)
            return claimed + self._look_and_claim(queue, limit, worker, lease_seconds)
        return self._look_and_claim(queue, limit, worker, lease_seconds)

    def _look_and_claim(
        self, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        # Look before writing: an UPDATE takes the write lock even when it finds nothing, and an
        # idle worker must not stand in the way of the site each time it polls.
        priorities = due_priorities(queue, using=self.alias)
        highest = next(priorities, None)
        if highest is None:
            return []
        claimed: list[OutboxJob] = []
        with transaction.atomic(using=self.alias):
            for priority in chain([highest], priorities):
                free = limit - len(claimed)
                claimed += self._claim_of(priority, queue, free, worker, lease_seconds)
                if len(claimed) >= limit:
                    # There is more of that, so the next claim need not look.
                    self._floors[queue] = Floor.behind(claimed[-1], look_seconds=0.0)
                    break
        return claimed

    def _claim_of(
        self, priority: int, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        found = self._claim(self.claim_sql, (worker, lease_seconds, queue, priority, limit))
        # RETURNING promises no order.
        return sorted(found, key=lambda job: (job.run_after, job.pk))

    def heads(self, *, queue: str, after: str, lanes: int) -> list[Head]:
        """Return the heads of lanes; see :class:`~django_outbox.backends.base.Store`."""
        with connections[self.alias].cursor() as cursor:
            cursor.execute(_HEADS, (queue, after, queue, lanes, queue, queue))
            return [Head(key, job_id, bool(is_free)) for key, job_id, is_free in cursor.fetchall()]

    def take(self, ids: Collection[int], *, worker: str, lease_seconds: float) -> list[OutboxJob]:
        """Take heads; see :class:`~django_outbox.backends.base.Store`."""
        sql = self.take_sql.replace("{ids}", ", ".join(["%s"] * len(ids)))
        taken = self._claim(sql, (worker, lease_seconds, *ids))
        return sorted(taken, key=lambda job: job.group_key)

    def insert_many(self, jobs: Sequence[NewJob]) -> int:
        """Store many jobs; see :class:`~django_outbox.backends.base.Store`."""
        # No look at the twins before: a transaction that begins with reading cannot always
        # write later. Nor a lock on them: the transaction holds the one that there is.
        sql = f"{plain_insert_sql(SQLiteStore)} ON CONFLICT {PENDING_ARBITER} DO NOTHING"
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            cursor.executemany(sql, [insert_parameters(job, connection) for job in jobs])
            return int(cursor.rowcount)
