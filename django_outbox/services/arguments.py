"""Checking what a caller wants to enqueue, before any database sees it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from django_outbox.backends import NewJob
from django_outbox.conf import OutboxSettings
from django_outbox.exceptions import EnqueueError
from django_outbox.services.payload import payload_type, stored_payload

__all__ = ["JobChecker", "JobSpec", "checked_window"]

_SMALLINT_MAX = 32_767
_LONGEST_WINDOW = timedelta(days=366)
_ONE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job for ``enqueue_many``; the arguments of ``enqueue`` and their meaning."""

    job_type: str
    dedup_key: str | None = None
    payload: Any = None
    queue: str = "default"
    priority: int = 0
    run_after: datetime | timedelta | None = None
    max_attempts: int | None = None
    group_key: str | None = None


class JobChecker:
    """
    Checks jobs under one reading of the settings.

    What many jobs share (their type, their queue) is looked up once.
    """

    def __init__(self, conf: OutboxSettings) -> None:
        self._conf = conf
        self._payload_types: dict[str, Any] = {}
        self._attempts: dict[str, int] = {}

    def check(self, spec: JobSpec) -> NewJob:
        """Return the job that ``spec`` asks for; EnqueueError names what cannot be stored."""
        return self.checked(
            spec.job_type,
            spec.dedup_key,
            spec.payload,
            spec.queue,
            spec.priority,
            spec.run_after,
            spec.max_attempts,
            spec.group_key,
        )

    def checked(
        self,
        job_type: str,
        dedup_key: str | None,
        payload: Any,
        queue: str,
        priority: int,
        run_after: datetime | timedelta | None,
        max_attempts: int | None,
        group_key: str | None,
        window_seconds: int | None = None,
    ) -> NewJob:
        """Return the job; see :class:`JobSpec` and :meth:`check`."""
        # By type as well: a caller may give what is no text, and cannot even be looked up.
        if type(job_type) is not str or job_type not in self._payload_types:
            _checked_text("job_type", job_type, longest=200)
            self._payload_types[job_type] = payload_type(job_type)
        if type(queue) is not str or queue not in self._attempts:
            self._attempts[queue] = _attempts(queue, self._conf)
        # What is usual is seen at once; the rest is looked at with care.
        if type(priority) is not int or not -_SMALLINT_MAX <= priority <= _SMALLINT_MAX:
            _checked_number("priority", priority, -_SMALLINT_MAX - 1)
        if max_attempts is None:
            max_attempts = self._attempts[queue]
        else:
            _checked_number("max_attempts", max_attempts, 1)
        moment, delay_seconds = (None, 0.0) if run_after is None else _checked_due(run_after)
        return NewJob(
            job_type,
            _checked_text("dedup_key", dedup_key, longest=255) if dedup_key else None,
            stored_payload(
                payload,
                self._payload_types[job_type],
                job_type=job_type,
                max_bytes=self._conf.MAX_PAYLOAD_BYTES,
            ),
            queue,
            priority,
            max_attempts,
            moment,
            delay_seconds,
            _checked_group(group_key, queue, self._conf) if group_key else "",
            window_seconds,
        )


def _checked_text(name: str, value: object, *, longest: int) -> str:
    """Return ``value`` when it is text that every database can keep and find again."""
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


def checked_window(window: object, *, dedup_key: object, on_duplicate: str) -> int | None:
    """Return the length of a dedup window in seconds; None stands for no window."""
    if window is None:
        return None
    if not isinstance(window, timedelta) or not _ONE_SECOND <= window <= _LONGEST_WINDOW:
        raise EnqueueError(
            f"dedup_window must be a timedelta from 1 second to 366 days, got {window!r}."
        )
    if window % _ONE_SECOND:
        raise EnqueueError(f"dedup_window must be whole seconds, got {window!r}.")
    if not dedup_key:
        raise EnqueueError("dedup_window needs a dedup_key: it is what the window is about.")
    if on_duplicate != "return":
        raise EnqueueError(
            "dedup_window and on_duplicate='replace' exclude each other: the job of the window "
            "may have run already. Leave one of them out."
        )
    return window // _ONE_SECOND


def _attempts(queue: object, conf: OutboxSettings) -> int:
    """Return how many attempts a job of ``queue`` has, a queue that is declared."""
    if not isinstance(queue, str) or queue not in conf.QUEUES:
        raise EnqueueError(
            f"Queue {queue!r} is not declared, so no worker would look at it. Add it to "
            f"OUTBOX['QUEUES'], or use one of: {', '.join(conf.QUEUES)}."
        )
    return conf.max_attempts(queue)


def _checked_group(group_key: object, queue: str, conf: OutboxSettings) -> str:
    checked = _checked_text("group_key", group_key, longest=255)
    if not conf.QUEUES[queue].LANES:
        with_lanes = [name for name, one in conf.QUEUES.items() if one.LANES]
        instead = f", or use one of: {', '.join(with_lanes)}" if with_lanes else ""
        raise EnqueueError(
            f"Queue {queue!r} has no lanes, so no worker would see a job with a group_key. Set "
            f"OUTBOX['QUEUES'][{queue!r}]['LANES'] to True{instead}."
        )
    return checked


def _checked_number(name: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _SMALLINT_MAX:
        raise EnqueueError(
            f"{name} must be a whole number from {least} to {_SMALLINT_MAX}, got {value!r}."
        )
    return value


def _checked_due(run_after: object) -> tuple[datetime | None, float]:
    """Return a moment, or how many seconds from the server's now."""
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
    return (
        (run_after, 0.0) if isinstance(run_after, datetime) else (None, run_after.total_seconds())
    )
