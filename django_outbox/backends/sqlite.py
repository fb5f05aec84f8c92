"""SQLite 3.35 and later (RETURNING)."""

from django.db import connections

from django_outbox.backends.returning import ReturningStore
from django_outbox.clock import NOW_SQL
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
            status = 'IN_PROGRESS', attempts = attempts + 1, claim_no = claim_no + 1,
            worker = %s, started_at = {now}, lease_until = {later}
        WHERE id IN (
            SELECT id FROM outbox_job
            WHERE status = 'PENDING' AND queue = %s AND run_after <= {now}
            ORDER BY priority DESC, run_after, id LIMIT %s
        )
        RETURNING {columns}
    """

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take due jobs; see :class:`~django_outbox.backends.base.Store`."""
        # Look before writing: an UPDATE takes the write lock even when it finds nothing, and an
        # idle worker must not stand in the way of the site each time it polls.
        if not self._has_due(queue):
            return []
        return super().claim(queue=queue, limit=limit, worker=worker, lease_seconds=lease_seconds)

    def _has_due(self, queue: str) -> bool:
        with connections[self.alias].cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM outbox_job WHERE status = 'PENDING' AND queue = %s "
                f"AND run_after <= {NOW_SQL[self.vendor]} LIMIT 1",
                (queue,),
            )
            return cursor.fetchone() is not None
