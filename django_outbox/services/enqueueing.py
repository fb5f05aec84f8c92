"""Storing a job in the caller's transaction."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db import router
from django.utils import timezone

from django_outbox.backends import NewJob, store_for
from django_outbox.conf import OutboxSettings, get_conf
from django_outbox.exceptions import EnqueueError
from django_outbox.models import OutboxJob
from django_outbox.services.payload import checked_payload

__all__ = ["enqueue"]

logger = logging.getLogger(__name__)

_SMALLINT_MAX = 32_767


def enqueue(
    job_type: str,
    dedup_key: str | None = None,
    payload: Any = None,
    *,
    queue: str = "default",
    priority: int = 0,
    run_after: datetime | timedelta | None = None,
    max_attempts: int | None = None,
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
        payload: any JSON value; None stands for ``{}``.
        queue: one of ``OUTBOX["QUEUES"]``.
        priority: higher runs first, -32768 to 32767.
        run_after: not before this moment (aware), or this long from now. From now is counted on
            the database server's clock, so prefer it.
        max_attempts: how often the job may be begun before it is FAILED.
        on_duplicate: ``"replace"`` overwrites the pending job with this one: payload, queue,
            priority, run_after and max_attempts; its attempts start anew.
        using: the database; by default where the router writes :class:`OutboxJob`. It has to be
            the one whose transaction the job shall share.

    Raises:
        EnqueueError: an argument cannot be stored; nothing was.
    """
    conf = get_conf()
    new = NewJob(
        job_type=_checked_text("job_type", job_type, longest=200),
        dedup_key=_checked_text("dedup_key", dedup_key, longest=255) if dedup_key else None,
        payload=checked_payload(
            {} if payload is None else payload, job_type=job_type, max_bytes=conf.MAX_PAYLOAD_BYTES
        ),
        queue=_checked_queue(queue, conf),
        priority=_checked_number("priority", priority, -_SMALLINT_MAX - 1),
        max_attempts=_checked_number(
            "max_attempts", conf.max_attempts(queue) if max_attempts is None else max_attempts, 1
        ),
        run_after=_checked_moment(run_after),
        delay_seconds=run_after.total_seconds() if isinstance(run_after, timedelta) else 0.0,
    )
    if on_duplicate not in ("return", "replace"):
        raise EnqueueError(f"on_duplicate must be 'return' or 'replace', got {on_duplicate!r}.")
    store = store_for(using or router.db_for_write(OutboxJob))
    job = store.insert(new, replace=on_duplicate == "replace")
    logger.debug("enqueued job_id=%s job_type=%s queue=%s", job.pk, job.job_type, job.queue)
    return job


def _checked_text(name: str, value: object, *, longest: int) -> str:
    if not isinstance(value, str) or not value:
        raise EnqueueError(f"{name} must be text and not empty, got {value!r}.")
    if len(value) > longest:
        raise EnqueueError(
            f"{name} has {len(value)} characters, at most {longest} fit: {value[:80]!r}… "
            "Shorten it, or use a hash of it."
        )
    if "\x00" in value:
        raise EnqueueError(f"{name} holds a NUL character, which no database keys on: {value!r}.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise EnqueueError(f"{name} holds half a character (a surrogate): {value!r}.") from error
    return value


def _checked_queue(queue: object, conf: OutboxSettings) -> str:
    if not isinstance(queue, str) or queue not in conf.QUEUES:
        raise EnqueueError(
            f"Queue {queue!r} is not declared, so no worker would look at it. Add it to "
            f"OUTBOX['QUEUES'], or use one of: {', '.join(conf.QUEUES)}."
        )
    return queue


def _checked_number(name: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _SMALLINT_MAX:
        raise EnqueueError(
            f"{name} must be a whole number from {least} to {_SMALLINT_MAX}, got {value!r}."
        )
    return value


def _checked_moment(run_after: object) -> datetime | None:
    if run_after is None:
        return None
    if not isinstance(run_after, datetime | timedelta):
        raise EnqueueError(f"run_after must be a datetime or a timedelta, got {run_after!r}.")
    if isinstance(run_after, datetime) and timezone.is_naive(run_after):
        raise EnqueueError(
            f"run_after must carry its time zone, got {run_after!r}. Use timezone.now() as base, "
            "or a timedelta."
        )
    # Beyond these years some database stores what Python cannot read, or shows in no time zone.
    try:
        moment = timezone.now() + run_after if isinstance(run_after, timedelta) else run_after
        can_be_kept = 1000 <= moment.astimezone(UTC).year <= 9998
    except OverflowError:
        can_be_kept = False
    if not can_be_kept:
        raise EnqueueError(f"run_after must lie in the years 1000 to 9998, got {run_after!r}.")
    return run_after if isinstance(run_after, datetime) else None
