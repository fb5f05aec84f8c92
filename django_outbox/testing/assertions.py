"""What was enqueued, and an assertion that says what was enqueued instead."""

import json
from typing import Any

from django.db import router

from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob
from django_outbox.services.arguments import JobChecker, JobSpec

__all__ = ["assert_enqueued", "assert_not_enqueued", "enqueued"]

_MOST_SHOWN = 20
_LONGEST_PAYLOAD = 200


class _Anything:
    def __repr__(self) -> str:
        return "..."


_ANYTHING: Any = _Anything()


def enqueued(
    job_type: str | None = None, *, queue: str | None = None, using: str | None = None
) -> list[OutboxJob]:
    """
    Return the jobs of the table in the order in which they were enqueued, whatever their status.

    A queue that deletes what has succeeded keeps no trace of it.
    """
    jobs = OutboxJob.objects.using(using or router.db_for_write(OutboxJob))
    if job_type is not None:
        jobs = jobs.filter(job_type=job_type)
    if queue is not None:
        jobs = jobs.filter(queue=queue)
    return list(jobs.order_by("pk"))


def assert_enqueued(
    job_type: str,
    *,
    dedup_key: str | None = _ANYTHING,
    payload: Any = _ANYTHING,
    payload_has: dict[str, Any] | None = None,
    queue: str = _ANYTHING,
    group_key: str = _ANYTHING,
    times: int | None = None,
    using: str | None = None,
) -> list[OutboxJob]:
    """
    Return the jobs that fit, whatever their status; AssertionError when there is none.

    Args:
        job_type: the type of the job.
        dedup_key: its key; None for a job without one.
        payload: the whole payload, as it was given to ``enqueue``.
        payload_has: some keys of a payload with their values.
        queue: the queue it is in.
        group_key: its lane; "" for a job without one.
        times: exactly so many have to fit; one or more when it is left out.
        using: the database; by default where the router writes :class:`OutboxJob`.
    """
    asked = {"dedup_key": dedup_key, "payload": payload, "queue": queue, "group_key": group_key}
    wanted = {name: value for name, value in asked.items() if value is not _ANYTHING}
    if "payload" in wanted:
        # As it would be stored: tuples have become lists, and objects dicts.
        spec = JobSpec(job_type, payload=payload)
        wanted["payload"] = json.loads(JobChecker(get_conf()).check(spec).payload_json)
    found = [
        job
        for job in enqueued(job_type, using=using)
        if all(getattr(job, name) == value for name, value in wanted.items())
        and _has(job.payload, payload_has or {})
    ]
    if len(found) == times or (times is None and found):
        return found
    if payload_has:
        wanted["payload_has"] = payload_has
    raise AssertionError(_complaint(job_type, wanted, len(found), times, using))


def assert_not_enqueued(job_type: str, **asked: Any) -> None:
    """Raise AssertionError when a job fits; see :func:`assert_enqueued` for what to ask for."""
    assert_enqueued(job_type, **asked, times=0)


def _has(payload: Any, part: dict[str, Any]) -> bool:
    if not part:
        return True
    return isinstance(payload, dict) and all(
        key in payload and payload[key] == value for key, value in part.items()
    )


def _complaint(
    job_type: str, wanted: dict[str, Any], count: int, times: int | None, using: str | None
) -> str:
    asked = ", ".join([repr(job_type), *(f"{name}={value!r}" for name, value in wanted.items())])
    head = (
        f"No job was enqueued that fits {asked}."
        if times is None
        else f"{count} jobs were enqueued that fit {asked}, and not {times}."
    )
    jobs = enqueued(using=using)
    if not jobs:
        return f"{head} The table of jobs is empty."
    # Those of the type are what one looks for first.
    jobs.sort(key=lambda job: job.job_type != job_type)
    lines = [_line(job) for job in jobs[:_MOST_SHOWN]]
    if len(jobs) > _MOST_SHOWN:
        lines.append(f"… and {len(jobs) - _MOST_SHOWN} more")
    return "\n  ".join([f"{head} There are:", *lines])


def _line(job: OutboxJob) -> str:
    payload = repr(job.payload)
    if len(payload) > _LONGEST_PAYLOAD:
        payload = f"{payload[:_LONGEST_PAYLOAD]}…"
    group = f", group_key={job.group_key!r}" if job.group_key else ""
    return (
        f"#{job.pk} {job.job_type!r}, dedup_key={job.dedup_key!r}, payload={payload}, "
        f"queue={job.queue!r}{group}: {job.status}"
    )
