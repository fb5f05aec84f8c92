"""What a store does, and the values that it is given."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_outbox.clock import NOW_SQL
from django_outbox.models import OutboxJob

__all__ = ["NewJob", "Store", "due_priorities", "insert_parameters"]

_ABOVE_ALL_PRIORITIES = 32_768

_EARLIEST = """
SELECT priority, run_after <= {now} FROM outbox_job
WHERE status = 'PENDING' AND queue = %s AND group_key = '' AND priority < %s
ORDER BY priority DESC, run_after LIMIT 1
"""


@dataclass(frozen=True)
class NewJob:
    """
    A checked job on its way into the table.

    Attributes:
        payload: any JSON value, already known to be one.
        run_after: an aware moment, or None: then ``delay_seconds`` from the server's now.
    """

    job_type: str
    dedup_key: str | None
    payload: Any
    queue: str
    priority: int
    max_attempts: int
    run_after: datetime | None
    delay_seconds: float
    group_key: str = ""
    window_key: str | None = None


def insert_parameters(new: NewJob, connection: BaseDatabaseWrapper) -> tuple[Any, ...]:
    """Return the values of ``new`` in the order in which every store's INSERT names them."""
    payload = OutboxJob._meta.get_field("payload")
    moment = OutboxJob._meta.get_field("run_after")
    return (
        new.queue,
        new.job_type,
        new.dedup_key,
        payload.get_db_prep_save(new.payload, connection),
        new.priority,
        moment.get_db_prep_save(new.run_after, connection),
        new.delay_seconds,
        new.max_attempts,
        new.group_key,
        new.window_key,
    )


def due_priorities(queue: str, *, using: str) -> Iterator[int]:
    """
    Yield the priorities under which jobs of ``queue`` are due, the highest first.

    A claim takes one after the other: within one priority the index is in the order of
    run_after. Asked for all at once, a database reads every job that is scheduled for later.
    """
    connection = connections[using]
    earliest = _EARLIEST.format(now=NOW_SQL[connection.vendor])
    priority = _ABOVE_ALL_PRIORITIES
    while True:
        with connection.cursor() as cursor:
            cursor.execute(earliest, (queue, priority))
            row = cursor.fetchone()
        if row is None:
            return
        priority, is_due = row
        if is_due:
            yield priority


class Store(Protocol):
    """One database's way to store and to claim."""

    def insert(self, new: NewJob, *, replace: bool) -> OutboxJob:
        """
        Store ``new``, or return the pending job with its type and key.

        The pending job is locked until the caller's transaction ends, so that no worker takes
        it before what the caller has written can be seen. With ``replace`` it is overwritten.
        """
        ...

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """
        Take up to ``limit`` due jobs of ``queue`` for ``worker``, in the order to run them.

        The attempts stop counting where the column ends: a job on its last one, which goes back
        whenever its worker is stopped, must not make the claim of all others fail.
        """
        ...
