"""Storing jobs in the caller's transaction, one or many."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import router, transaction

from django_outbox.backends import NewJob, store_for
from django_outbox.backends.wakeup import wake_up
from django_outbox.conf import OutboxSettings, get_conf
from django_outbox.exceptions import EnqueueError
from django_outbox.models import OutboxJob
from django_outbox.services.arguments import JobChecker, JobSpec, checked_window

__all__ = ["Enqueued", "JobSpec", "enqueue", "enqueue_many"]

logger = logging.getLogger(__name__)

# What is sent at once. A server refuses too long a statement (max_allowed_packet, 16 MB), and a
# million jobs must not be in memory together. From 1000 on, MariaDB turns a list of keys into a
# join (in_predicate_conversion_threshold).
_CHUNK_JOBS = {"postgresql": 5000, "sqlite": 1000, "mysql": 500}
_CHUNK_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class Enqueued:
    """How many jobs were ``stored``, and how many ``met`` a pending twin and were not."""

    stored: int = 0
    met: int = 0


def enqueue(  # noqa: PLR0913  # published; all but three by keyword
    job_type: str,
    dedup_key: str | None = None,
    payload: Any = None,
    *,
    queue: str = "default",
    priority: int = 0,
    run_after: datetime | timedelta | None = None,
    max_attempts: int | None = None,
    group_key: str | None = None,
    dedup_window: timedelta | None = None,
    on_duplicate: Literal["return", "replace"] = "return",
    using: str | None = None,
) -> OutboxJob:
    """
    Store a job in the current transaction and return it.

    The job exists when the transaction commits and never did when it is rolled back. Outside a
    transaction it is stored at once.

    Args:
        job_type: the name under which a handler is registered, 1 to 200 characters.
        dedup_key: when a job of this type and key is PENDING already, that one is returned
            and nothing is stored: it will see what this transaction writes, since no worker
            gets it before the transaction ends. A job that is running does not count. None or
            "" for a job of its own. At most 255 characters; case matters.
        payload: any JSON value; None stands for ``{}``. Where the handler names a type, an
            instance of it or a dict that fits.
        queue: one of ``OUTBOX["QUEUES"]``.
        priority: higher runs first, -32768 to 32767. Within a lane it does not count.
        run_after: not before this moment (aware), or this long from now. From now is counted on
            the database server's clock, so prefer it.
        max_attempts: how often the job may be begun before it is FAILED.
        group_key: jobs of one queue and group run one after the other, in the order of their
            ids; a job that waits for its next attempt keeps its place, and the ones behind it
            wait too. The queue needs ``LANES``. At most 255 characters; case matters.
        dedup_window: at most one job for the type and key in each stretch of this length, 1
            second to 366 days, whatever became of it: that one is returned. The stretches are
            those of the server's clock since 1970 and do not begin with a job. A queue that
            deletes what has succeeded ends the window with the job.
        on_duplicate: ``"replace"`` overwrites the pending job with this one: payload, queue,
            priority, run_after, max_attempts and group_key; its attempts start anew.
        using: the database; by default where the router writes :class:`OutboxJob`. It has to be
            the one whose transaction the job shall share.

    Raises:
        EnqueueError: an argument cannot be stored; nothing was.
    """
    conf = get_conf()
    if on_duplicate not in ("return", "replace"):
        raise EnqueueError(f"on_duplicate must be 'return' or 'replace', got {on_duplicate!r}.")
    window = None
    if dedup_window is not None:
        window = checked_window(dedup_window, dedup_key=dedup_key, on_duplicate=on_duplicate)
    new = JobChecker(conf).checked(
        job_type, dedup_key, payload, queue, priority, run_after, max_attempts, group_key, window
    )
    store = store_for(using or router.db_for_write(OutboxJob))
    job = store.insert(new, replace=on_duplicate == "replace", wake_up=conf.WAKE_UP)
    logger.debug("enqueued job_id=%s job_type=%s queue=%s", job.id, job.job_type, job.queue)
    return job


def enqueue_many(jobs: Iterable[JobSpec], *, using: str | None = None) -> Enqueued:
    """
    Store many jobs in the current transaction, in their order; return how many there were.

    All or none are stored. ``jobs`` may be a generator: a few thousand are in memory at a time.
    A job whose type and key is PENDING already, or came earlier in ``jobs``, is not stored; see
    ``enqueue``. Two transactions that enqueue the same keys in different orders may deadlock,
    so sort the jobs by key where that can happen.

    Raises:
        EnqueueError: a job cannot be stored; the message says which one, counted from 0.
    """
    conf = get_conf()
    alias = using or router.db_for_write(OutboxJob)
    store = store_for(alias)
    stored = total = 0
    queues: set[str] = set()
    with transaction.atomic(using=alias):
        for chunk in _chunks(_checked(jobs, conf), _CHUNK_JOBS[store.vendor]):
            stored += store.insert_many(chunk)
            total += len(chunk)
            queues.update(job.queue for job in chunk)
        if conf.WAKE_UP:
            wake_up(queues, using=alias)
    logger.debug("enqueued jobs=%s met=%s", stored, total - stored)
    return Enqueued(stored=stored, met=total - stored)


def _checked(jobs: Iterable[JobSpec], conf: OutboxSettings) -> Iterator[NewJob]:
    checker = JobChecker(conf)
    for index, spec in enumerate(jobs):
        if not isinstance(spec, JobSpec):
            raise EnqueueError(f"jobs[{index}] is a {type(spec).__name__}, not a JobSpec.")
        try:
            yield checker.check(spec)
        except EnqueueError as error:
            raise EnqueueError(f"jobs[{index}]: {error}") from error.__cause__


def _chunks(jobs: Iterable[NewJob], longest: int) -> Iterator[list[NewJob]]:
    chunk: list[NewJob] = []
    characters = 0
    for job in jobs:
        if chunk and (
            len(chunk) >= longest or characters + len(job.payload_json) > _CHUNK_CHARACTERS
        ):
            yield chunk
            chunk, characters = [], 0
        chunk.append(job)
        characters += len(job.payload_json)
    if chunk:
        yield chunk
