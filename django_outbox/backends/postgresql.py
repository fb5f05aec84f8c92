"""PostgreSQL 14 and later."""

from django_outbox.backends.returning import ReturningStore

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
    claim_sql = """
        UPDATE outbox_job SET
            status = 'IN_PROGRESS', attempts = attempts + 1, claim_no = claim_no + 1,
            worker = %s, started_at = {now}, lease_until = {later}
        WHERE id = ANY(ARRAY(
            SELECT id FROM outbox_job
            WHERE status = 'PENDING' AND queue = %s AND run_after <= {now}
            ORDER BY priority DESC, run_after, id LIMIT %s FOR UPDATE SKIP LOCKED
        ))
        RETURNING {columns}
    """
