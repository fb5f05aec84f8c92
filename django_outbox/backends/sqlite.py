"""SQLite 3.35 and later (RETURNING)."""

from itertools import chain

from django.db import transaction

from django_outbox.backends.base import due_priorities
from django_outbox.backends.returning import ReturningStore
from django_outbox.models import OutboxJob

__all__ = ["SQLiteStore"]


class SQLiteStore(ReturningStore):
    """One writer at a time: a statement that writes is a lock on the whole database."""

    vendor = "sqlite"
    json_parameter = "%s"
    moment_parameter = "%s"
    twin_lock = ""
    claim_sql = """
        UPDATE outbox_job SET
            status = 'IN_PROGRESS', attempts = MIN(attempts, 32766) + 1, claim_no = claim_no + 1,
            worker = %s, started_at = {now}, lease_until = {later}
        WHERE id IN (
            SELECT id FROM outbox_job
            WHERE status = 'PENDING' AND queue = %s AND group_key = '' AND priority = %s
            AND run_after <= {now}
            ORDER BY run_after, id LIMIT %s
        )
        RETURNING {columns}
    """

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take due jobs; see :class:`~django_outbox.backends.base.Store`."""
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
                found = self._claim((worker, lease_seconds, queue, priority, free))
                # RETURNING promises no order.
                claimed += sorted(found, key=lambda job: (job.run_after, job.pk))
                if len(claimed) >= limit:
                    break
        return claimed
