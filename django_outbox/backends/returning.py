"""PostgreSQL and SQLite: partial indexes, ON CONFLICT and RETURNING do it in one statement."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db import connections

from django_outbox.backends.base import NewJob, insert_parameters
from django_outbox.clock import LATER_SQL, NOW_SQL
from django_outbox.exceptions import OutboxError
from django_outbox.models import OutboxJob

__all__ = ["ReturningStore"]

# Each round needs a worker to claim the pending twin between two statements of ours.
_MAX_ROUNDS = 50

# The predicate of the index outbox_job_one_pending, in its very order: SQLite compares the two
# term by term where PostgreSQL proves one from the other.
_ARBITER = """(job_type, dedup_key) WHERE dedup_key IS NOT NULL AND status = 'PENDING'"""

_INSERT = """
INSERT INTO outbox_job
    (queue, job_type, dedup_key, payload, status, priority, run_after, attempts, max_attempts,
     group_key, window_key, worker, claim_no, created_at, last_error)
VALUES (%s, %s, %s, {json}, 'PENDING', %s, COALESCE({moment}, {later}), 0, %s, %s, %s, '', 0,
        {now}, '')
ON CONFLICT {arbiter} {action}
RETURNING {columns}
"""

_OVERWRITE = """DO UPDATE SET
    queue = EXCLUDED.queue, payload = EXCLUDED.payload, priority = EXCLUDED.priority,
    run_after = EXCLUDED.run_after, attempts = 0, max_attempts = EXCLUDED.max_attempts,
    last_error = ''"""

_PENDING_TWIN = """
SELECT {columns} FROM outbox_job
WHERE job_type = %s AND dedup_key = %s AND status = 'PENDING' {lock}
"""


class ReturningStore:
    """What the two databases share; the subclasses spell the differences."""

    vendor: ClassVar[str]
    json_parameter: ClassVar[str]
    moment_parameter: ClassVar[str]
    twin_lock: ClassVar[str]
    claim_sql: ClassVar[str]

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.columns = ", ".join(str(field.column) for field in OutboxJob._meta.concrete_fields)

    def insert(self, new: NewJob, *, replace: bool) -> OutboxJob:
        """Store the job, or return its pending twin; see :class:`Store`."""
        sql = _INSERT.format(
            json=self.json_parameter,
            moment=self.moment_parameter,
            later=LATER_SQL[self.vendor],
            now=NOW_SQL[self.vendor],
            arbiter=_ARBITER,
            action=_OVERWRITE if replace else "DO NOTHING",
            columns=self.columns,
        )
        parameters = insert_parameters(new, connections[self.alias])
        for _ in range(_MAX_ROUNDS):
            stored = self._rows(sql, parameters)
            if stored:
                return stored[0]
            twin = self._rows(
                _PENDING_TWIN.format(columns=self.columns, lock=self.twin_lock),
                (new.job_type, new.dedup_key),
            )
            if twin:
                return twin[0]
            # A worker claimed the twin just now, so the new job has to be one of its own.
        raise OutboxError(
            f"Job {new.job_type!r} with dedup_key {new.dedup_key!r} could not be stored: its "
            f"pending twin was claimed {_MAX_ROUNDS} times in a row. Enqueue it again."
        )

    def _claim(self, parameters: Sequence[Any]) -> list[OutboxJob]:
        sql = self.claim_sql.format(
            columns=self.columns, now=NOW_SQL[self.vendor], later=LATER_SQL[self.vendor]
        )
        return self._rows(sql, parameters)

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[OutboxJob]:
        # raw() turns any statement that returns rows into models, with Django's converters.
        return list(OutboxJob.objects.using(self.alias).raw(sql, parameters))
