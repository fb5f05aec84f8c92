"""What a store does, and the values that it is given."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_opskit.clock import NOW_SQL
from django_outbox.models import OutboxJob

__all__ = [
    "WINDOW_SQL",
    "Head",
    "NewJob",
    "Store",
    "due_priorities",
    "insert_parameters",
    "window_parameters",
]

_ABOVE_ALL_PRIORITIES = 32_768

_RUN_AFTER = OutboxJob._meta.get_field("run_after")

_EARLIEST = """
SELECT priority, run_after <= {now} FROM outbox_job
WHERE status = 'PENDING' AND queue = %s AND group_key = '' AND priority < %s
ORDER BY priority DESC, run_after LIMIT 1
"""

#: The window key by vendor: the number of the server's present window, then a text. Parameters:
#: the window's seconds and that text.
WINDOW_SQL = {
    "postgresql": "(FLOOR(EXTRACT(EPOCH FROM STATEMENT_TIMESTAMP()) / %s)::bigint || %s::text)",
    "sqlite": "((CAST(STRFTIME('%%s', 'now') AS INTEGER) / %s) || %s)",
    "mysql": "CONCAT(FLOOR(UNIX_TIMESTAMP()) DIV %s, %s)",
}


class NewJob(NamedTuple):
    """
    A checked job on its way into the table.

    Attributes:
        payload_json: any JSON value as text, fit for every database.
        run_after: an aware moment, or None: then ``delay_seconds`` from the server's now.
        window_seconds: at most one job for the key in each stretch of so many seconds.
    """

    job_type: str
    dedup_key: str | None
    payload_json: str
    queue: str
    priority: int
    max_attempts: int
    run_after: datetime | None
    delay_seconds: float
    group_key: str = ""
    window_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """
    The job of a lane that is next, by its id.

    ``is_free``: it is due and nothing of its lane is running.
    """

    group_key: str
    job_id: int
    is_free: bool


def insert_parameters(
    new: NewJob, connection: BaseDatabaseWrapper, *, is_for_now: bool = False
) -> tuple[Any, ...]:
    """
    Return the values of ``new`` in the order in which every store's INSERT names them.

    With ``is_for_now`` the statement itself says when the job is due.
    """
    due: tuple[Any, ...] = ()
    if not is_for_now:
        moment = new.run_after and _RUN_AFTER.get_db_prep_save(new.run_after, connection)
        due = (moment, new.delay_seconds)
    return (
        new.queue,
        new.job_type,
        new.dedup_key,
        new.payload_json,
        new.priority,
        *due,
        new.max_attempts,
        new.group_key,
    )


def window_parameters(new: NewJob) -> tuple[Any, ...]:
    """Return the parameters of ``WINDOW_SQL``: the key says how long its window is."""
    return (new.window_seconds, f":{new.window_seconds}:{new.dedup_key}")


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

    @property
    def vendor(self) -> str:
        """Which kind of database it is, in Django's words."""
        ...

    def insert(self, new: NewJob, *, replace: bool, wake_up: bool) -> OutboxJob:
        """
        Store ``new``, or return the pending job with its type and key.

        The pending job is locked until the caller's transaction ends, so that no worker takes
        it before what the caller has written can be seen. With ``replace`` it is overwritten.
        A job of the same window is returned too, and is not locked when it is not pending.

        With ``wake_up`` idle workers hear of a job that is due when the transaction commits, as
        far as the database can tell them.
        """
        ...

    def insert_many(self, jobs: Sequence[NewJob]) -> int:
        """
        Store those of ``jobs`` that have no pending twin, in their order; return how many.

        Inside a transaction only. The jobs have no windows. Twins are locked as by ``insert``.
        """
        ...

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """
        Take up to ``limit`` due jobs of ``queue`` for ``worker``, in the order to run them.

        Jobs with a group_key are left to ``heads`` and ``take``.

        The attempts stop counting where the column ends: a job on its last one, which goes back
        whenever its worker is stopped, must not make the claim of all others fail.
        """
        ...

    def heads(self, *, queue: str, after: str, lanes: int) -> list[Head]:
        """
        Return the heads of the next lanes after ``after``, in the order of their group keys.

        There are fewer than ``lanes`` only when the queue has no more. It costs the same
        however long the lanes are.
        """
        ...

    def take(self, ids: Collection[int], *, worker: str, lease_seconds: float) -> list[OutboxJob]:
        """
        Take those heads that are still pending and due, and whose lane is still free.

        Another claimer may have taken one, or an older job of its lane that has been committed
        late. Such a head is left out.
        """
        ...
