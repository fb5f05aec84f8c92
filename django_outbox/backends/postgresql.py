"""PostgreSQL 14 and later."""

from django_outbox.backends.returning import ReturningStore
from django_outbox.models import OutboxJob

__all__ = ["PostgreSQLStore"]


class PostgreSQLStore(ReturningStore):
    """Many workers claim side by side: each passes over the rows that another has locked."""

    vendor = "postgresql"
    json_parameter = "%s::jsonb"
    moment_parameter = "%s::timestamptz"
    # The weakest lock that a claim's FOR UPDATE passes over. Other callers may hold it too.
    twin_lock = "FOR KEY SHARE"
    # ARRAY(...) runs the sub-select once; as IN (SELECT ...) the planner may run it again per
    # row and claim more than the limit. 'PENDING' is a literal, so that the partial index fits.
    # One priority after the other: within one the index is in the order of run_after, and what
    # is not due yet is never read. LATERAL makes it a nested loop in the order of the levels.
    claim_sql = """
        UPDATE outbox_job SET
            status = 'IN_PROGRESS', attempts = LEAST(attempts, 32766) + 1, claim_no = claim_no + 1,
            worker = %s, started_at = {now}, lease_until = {later}
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
        ))
        RETURNING {columns}
    """

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take due jobs; see :class:`~django_outbox.backends.base.Store`."""
        claimed = self._claim((worker, lease_seconds, queue, queue, queue, limit, limit))
        # RETURNING promises no order.
        return sorted(claimed, key=lambda job: (-job.priority, job.run_after, job.pk))
