"""The job that is being run here: what its handler may ask and tell while it runs."""

import contextvars
import threading
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db.backends.base.base import BaseDatabaseWrapper

from django_outbox.exceptions import LeaseLost, OutboxError
from django_outbox.models import OutboxJob, OutboxJobQuerySet

__all__ = [
    "JobContext",
    "aset_progress",
    "current",
    "current_job",
    "ensure_lease",
    "refuse_when_lost",
    "set_progress",
]

# A savepoint that is not rolled back would be committed with the rest.
_ALWAYS_ALLOWED = ("ROLLBACK", "RELEASE")

_LONGEST_NOTE = 500


class JobContext:
    """
    One attempt while it lasts.

    Attributes:
        job: as it was claimed; nobody else has this object.
        own: the handler's copy of it, once the handler is called.
        connection: this thread's to the job's database, once the attempt has begun.
        is_lost: whether the lease is known to be lost.
        is_settled: whether the attempt has completed its job itself, in a transaction.
    """

    __slots__ = ("_end", "connection", "is_lost", "is_settled", "job", "own", "using")
    connection: BaseDatabaseWrapper

    def __init__(self, job: OutboxJob, using: str) -> None:
        self.job = job
        self.using = using
        self.own: OutboxJob | None = None
        self.is_lost = False
        self.is_settled = False
        self._end: Callable[[], Any] | None = None

    def held(self) -> OutboxJobQuerySet:
        """Return the query that finds the job while this attempt holds it."""
        job = self.job
        return OutboxJob.objects.using(self.using).held(job.worker, job.claim_no, [job.pk])

    def ends_with(self, end: Callable[[], Any] | None) -> None:
        """Call ``end`` when the lease is lost, or now if it is; None: nothing can end it."""
        with _end_lock:
            self._end = end
            if self.is_lost and end is not None:
                end()

    def settle(self) -> None:
        """Note that the attempt has completed its job."""
        self.is_settled = True

    def lose(self) -> None:
        """Note that the lease is lost, and end the handler where that is possible."""
        with _end_lock:
            # A job that is completed has no lease either, and nobody has lost it.
            self.is_lost = not self.is_settled
            if self.is_lost and self._end is not None:
                self._end()

    def ensure(self) -> None:
        """Raise LeaseLost when the lease is known to be lost."""
        if self.is_lost:
            raise lease_lost(self.job)


# One for all: it is needed when a lease is lost and where a handler runs out of its thread.
_end_lock = threading.Lock()

#: The attempt that runs in this thread or task.
current: contextvars.ContextVar[JobContext] = contextvars.ContextVar("outbox_job")


def lease_lost(job: OutboxJob) -> LeaseLost:
    """Return the error that says so."""
    return LeaseLost(
        f"Job {job.pk} is no longer ours (claim {job.claim_no}): its lease was lost, and another "
        "worker may run it by now."
    )


def refuse_when_lost(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Let a statement through unless the attempt that it belongs to has lost its lease."""
    attempt = current.get(None)
    if attempt is not None and attempt.is_lost and not sql.startswith(_ALWAYS_ALLOWED):
        raise lease_lost(attempt.job)
    return execute(sql, params, many, context)


def current_job() -> OutboxJob:
    """Return the job whose handler runs here, the very object that the handler was given."""
    attempt = _current_attempt()
    return attempt.job if attempt.own is None else attempt.own


def ensure_lease() -> None:
    """
    Go on only while the job is ours: raise LeaseLost when its lease is known to be lost.

    This asks no database and takes less than a microsecond. Long handlers call it before each
    step that must not be done twice at once.
    """
    _current_attempt().ensure()


def set_progress(done: float, total: float | None = None, note: str = "") -> None:
    """
    Store how far the job is in ``OutboxJob.progress``, as ``{"done", "total", "note"}``.

    One statement, on this thread's connection. Inside a transaction, and an ``atomic`` handler
    is one, others see it when that is committed.

    Args:
        done: how much is done, in any unit.
        total: how much there is to do, None while unknown.
        note: a few words for people, of which 500 characters are kept.

    Raises:
        LeaseLost: the job is no longer ours.
    """
    attempt = _current_attempt()
    attempt.ensure()
    note = note[:_LONGEST_NOTE].replace("\x00", "").encode(errors="backslashreplace").decode()
    if not attempt.held().update(progress={"done": done, "total": total, "note": note}):
        attempt.lose()
        attempt.ensure()


async def aset_progress(done: float, total: float | None = None, note: str = "") -> None:
    """Do as :func:`set_progress`, from an ``async def`` handler."""
    await sync_to_async(set_progress)(done, total, note)


def _current_attempt() -> JobContext:
    attempt = current.get(None)
    if attempt is None:
        raise OutboxError(
            "No outbox job runs here. A handler's own threads do not know of its job: give them "
            "contextvars.copy_context().run, or ask on the handler's thread."
        )
    return attempt
