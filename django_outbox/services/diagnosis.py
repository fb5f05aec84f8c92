"""Why a job does not run at this moment, and who stands before and behind it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from django_outbox.conf import get_conf
from django_outbox.exceptions import UnknownJobTypeError
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet, OutboxWorker
from django_outbox.services.registry import registry
from django_outbox.services.server_clock import server_now

__all__ = ["Cause", "Diagnosis", "Lane", "diagnose", "is_silent", "lane_of"]


class Cause(Enum):
    """What a job waits for, or why it waits for nothing any more."""

    COMPLETED = auto()
    FAILED = auto()
    CANCELLED = auto()
    RUNNING = auto()
    WORKER_SILENT = auto()
    QUEUE_UNDECLARED = auto()
    NO_HANDLER = auto()
    SCHEDULED = auto()
    RETRY_SCHEDULED = auto()
    BEHIND_IN_LANE = auto()
    NO_WORKER = auto()
    DUE = auto()


@dataclass(frozen=True)
class Diagnosis:
    """
    Why a job does not run now.

    Attributes:
        since: the moment that the cause speaks of: due, begun, finished, last seen.
        blocker: the id of the job that is first in the lane.
    """

    cause: Cause
    since: datetime | None = None
    blocker: int | None = None


@dataclass(frozen=True)
class Lane:
    """
    The unfinished jobs of a job's queue and group, in their order.

    Attributes:
        first: the one that has its turn; None when the lane is empty.
        ahead: some of those before the job, the foremost first; ``first`` is among them.
        behind: some of those that wait for the job, the next first.
        has_more_ahead: whether there are more than are named here.
        has_more_behind: the same of the others.
    """

    first: OutboxJob | None = None
    ahead: Sequence[OutboxJob] = field(default_factory=list)
    behind: Sequence[OutboxJob] = field(default_factory=list)
    has_more_ahead: bool = False
    has_more_behind: bool = False


def diagnose(job: OutboxJob, *, using: str, lane: Lane | None = None) -> Diagnosis:
    """Return why ``job`` does not run now; ``lane`` is its lane, where that is known already."""
    match job.status:
        case JobStatus.COMPLETED:
            return Diagnosis(Cause.COMPLETED, job.finished_at)
        case JobStatus.FAILED:
            return Diagnosis(Cause.FAILED, job.finished_at)
        case JobStatus.CANCELLED:
            return Diagnosis(Cause.CANCELLED, job.finished_at)
        case JobStatus.IN_PROGRESS:
            return _of_running(job, server_now(using))
        case _:
            return _of_waiting(job, server_now(using), lane_of(job, using=using, known=lane), using)


def lane_of(job: OutboxJob, *, using: str, count: int = 5, known: Lane | None = None) -> Lane:
    """Return the lane of an unfinished job, ``count`` neighbours on each side; or ``known``."""
    if known is not None:
        return known
    if not job.group_key or job.status not in (JobStatus.PENDING, JobStatus.IN_PROGRESS):
        return Lane()
    lane = OutboxJob.objects.using(using).filter(queue=job.queue, group_key=job.group_key)
    # Nothing new, but the condition of the index: SQLite does not infer it.
    lane = lane.filter(group_key__gt="")
    running = _brief(lane.filter(status=JobStatus.IN_PROGRESS)).first()
    waiting = _brief(lane.pending()).order_by("pk")
    ahead = list(waiting.filter(pk__lt=job.pk)[: count + 1])
    behind = list(waiting.filter(pk__gt=job.pk)[: count + 1])
    if running is not None and running.pk != job.pk:
        ahead.insert(0, running)
    first = running or (ahead[0] if ahead else job)
    return Lane(first, ahead[:count], behind[:count], len(ahead) > count, len(behind) > count)


def is_silent(worker: OutboxWorker, now: datetime) -> bool:
    """Say whether ``worker`` gave no sign of life for the time of a lease."""
    return worker.seen_at < now - timedelta(seconds=get_conf().LEASE_SECONDS)


def _brief(jobs: OutboxJobQuerySet) -> OutboxJobQuerySet:
    return jobs.only("pk", "job_type", "status", "run_after", "started_at", "attempts")


def _of_running(job: OutboxJob, now: datetime) -> Diagnosis:
    if job.lease_until is not None and job.lease_until < now:
        return Diagnosis(Cause.WORKER_SILENT, job.lease_until)
    return Diagnosis(Cause.RUNNING, job.started_at)


def _of_waiting(job: OutboxJob, now: datetime, lane: Lane, using: str) -> Diagnosis:
    if job.queue not in get_conf().QUEUES:
        return Diagnosis(Cause.QUEUE_UNDECLARED)
    if not _has_handler(job):
        return Diagnosis(Cause.NO_HANDLER)
    if job.run_after > now:
        cause = Cause.RETRY_SCHEDULED if job.attempts else Cause.SCHEDULED
        return Diagnosis(cause, job.run_after)
    if lane.first is not None and lane.first.pk != job.pk:
        return Diagnosis(Cause.BEHIND_IN_LANE, job.run_after, lane.first.pk)
    workers = OutboxWorker.objects.using(using).all()
    if not any(job.queue in worker.queues and not is_silent(worker, now) for worker in workers):
        return Diagnosis(Cause.NO_WORKER, job.run_after)
    return Diagnosis(Cause.DUE, job.run_after)


def _has_handler(job: OutboxJob) -> bool:
    try:
        registry.get(job.job_type)
    except UnknownJobTypeError:
        return False
    # A web server need not be able to import what the workers do.
    except Exception:  # noqa: BLE001
        return True
    return True
