"""Jobs that nobody does, workers that are silent, and clocks that differ."""

from collections.abc import Iterator

from django.utils import timezone

from django_opskit.clock import ServerTime
from django_outbox.models import JobStatus, OutboxJob
from django_outbox.services.doctor.finding import Finding
from django_outbox.services.registry import registry
from django_outbox.services.server_clock import server_now
from django_outbox.services.status import OutboxStatus, QueueStatus, outbox_status

__all__ = ["check_clock", "check_jobs"]

# A running worker rescues within a second; nothing is stuck that it has not seen yet.
_STUCK_SECONDS = 30.0
_UNSERVED_SECONDS = 60.0
# A handler may well take an hour; who has such ones knows them.
_HANGING_SECONDS = 3600.0
_SAMPLE = 10_000
_MOST_SKEW_SECONDS = 2.0


def check_clock(using: str) -> list[Finding]:
    """Compare this host's clock with the server's."""
    before = timezone.now()
    server = server_now(using)
    after = timezone.now()
    # Where in between the server looked at its clock cannot be known.
    ahead_s = max((before - server).total_seconds(), (server - after).total_seconds())
    if ahead_s <= _MOST_SKEW_SECONDS:
        return []
    return [
        Finding(
            "clock",
            f"This host's clock and the database server's differ by {ahead_s:.0f} s: due times "
            "and leases follow the server, but a run_after that this host computes is off. "
            "Synchronise both (NTP), or give run_after as a timedelta.",
        )
    ]


def check_jobs(using: str) -> list[Finding]:
    """Look for jobs that wait in vain, and for workers that say nothing."""
    status = outbox_status(using=using)
    return [
        *_stuck(using),
        *_hanging(using),
        *(finding for queue in status.queues for finding in _unserved(queue, status)),
        *_unknown_types(using, status),
        *(
            Finding(
                "worker",
                f"Worker {worker.name!r} was last seen {worker.seen_seconds_ago:.0f} s ago: it was "
                "killed, or cut off from its database. Its jobs come back when their leases end; "
                "look whether its process still runs.",
            )
            for worker in status.workers
            if not worker.is_live
        ),
    ]


def _stuck(using: str) -> Iterator[Finding]:
    long_ago = ServerTime(-_STUCK_SECONDS)
    stuck = OutboxJob.objects.using(using).filter(
        status=JobStatus.IN_PROGRESS, lease_until__lt=long_ago
    )
    count = stuck.order_by("lease_until")[: _SAMPLE + 1].count()
    if count:
        text = f"{min(count, _SAMPLE):,}{'+' if count > _SAMPLE else ''}"
        yield Finding(
            "stuck",
            f"{text} jobs are held by workers whose lease ended more than {_STUCK_SECONDS:.0f} s "
            "ago, and no worker takes them over: start one ('manage.py worker_run').",
        )


def _hanging(using: str) -> Iterator[Finding]:
    long_ago = ServerTime(-_HANGING_SECONDS)
    running = OutboxJob.objects.using(using).filter(
        status=JobStatus.IN_PROGRESS, lease_until__gte=ServerTime(), started_at__lt=long_ago
    )
    # As many as workers have threads: few.
    held = list(running.order_by("started_at")[:_SAMPLE])
    if held:
        first = held[0]
        yield Finding(
            "hanging",
            f"{len(held):,} jobs have been running for more than an hour, the first of them "
            f"{first} on {first.worker}: where that is not meant, their "
            "handlers hang. Restart that worker, and give what they wait for a timeout.",
        )


def _unserved(queue: QueueStatus, status: OutboxStatus) -> Iterator[Finding]:
    waiting = f"{queue.due + queue.later:,}{'+' if queue.at_least else ''}"
    if not queue.is_declared:
        if queue.due + queue.later:
            yield Finding(
                "queue",
                f"Queue {queue.queue!r} has {waiting} pending jobs, and OUTBOX['QUEUES'] "
                "does not declare it, so no worker looks there: declare it again, or run "
                f"'manage.py outbox_cancel --queue {queue.queue}'.",
            )
        return
    is_served = any(worker.is_live and queue.queue in worker.queues for worker in status.workers)
    if not is_served and (queue.oldest_due_seconds or 0.0) > _UNSERVED_SECONDS:
        yield Finding(
            "unserved",
            f"Queue {queue.queue!r} has {waiting} pending jobs, the first due for "
            f"{queue.oldest_due_seconds:.0f} s, and no live worker: start one "
            f"('manage.py worker_run --queues {queue.queue}').",
        )


def _unknown_types(using: str, status: OutboxStatus) -> Iterator[Finding]:
    known = set(registry.job_types())
    for queue in status.queues:
        pending = OutboxJob.objects.using(using).pending().filter(queue=queue.queue).order_by()
        sample = pending.values_list("job_type", flat=True)[:_SAMPLE]
        for job_type in sorted(set(sample) - known):
            yield Finding(
                "handler",
                f"Pending jobs of queue {queue.queue!r} have the type {job_type!r}, which has no "
                f"handler in this code: add @handler({job_type!r}), deploy the code that has it, "
                f"or run 'manage.py outbox_cancel --job-type {job_type}'.",
            )
