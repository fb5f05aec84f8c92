"""
What waits, what runs and who works: cheap to ask, however large the table is.

Every statement reads a bounded stretch of an index. A full count would read millions of entries
each time that a monitor looks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import router
from django.db.models import Count, Min, Q

from django_opskit.clock import ServerTime
from django_outbox.conf import get_conf
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet, OutboxWorker
from django_outbox.services.dead import dead_jobs
from django_outbox.services.server_clock import server_now

__all__ = ["OutboxStatus", "QueueStatus", "WorkerStatus", "outbox_status", "pending_queues"]


@dataclass(frozen=True)
class QueueStatus:
    """
    One queue.

    Attributes:
        is_declared: whether ``OUTBOX["QUEUES"]`` names it; otherwise no worker looks at it.
        due: pending jobs whose time has come.
        later: pending jobs that are scheduled for later, retries among them.
        in_progress: jobs that workers hold.
        failed: dead letters.
        lanes: groups with pending jobs.
        oldest_due_seconds: how long the first of the due jobs has been due; None without any.
        at_least: which of these numbers are lower bounds, since counting stopped there.
    """

    queue: str
    is_declared: bool
    due: int = 0
    later: int = 0
    in_progress: int = 0
    failed: int = 0
    lanes: int = 0
    oldest_due_seconds: float | None = None
    at_least: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkerStatus:
    """A worker of the table; ``is_live``: seen within a lease's time, by the server's clock."""

    name: str
    host: str
    pid: int
    queues: Sequence[str]
    concurrency: int
    has_lock: bool
    seen_seconds_ago: float
    is_live: bool


@dataclass(frozen=True)
class OutboxStatus:
    """The queues, declared or not, and the workers, both by name."""

    queues: tuple[QueueStatus, ...] = ()
    workers: tuple[WorkerStatus, ...] = ()

    @property
    def oldest_due_seconds(self) -> float:
        """Return the longest wait of a due job in any queue; 0 when none is due."""
        return max((queue.oldest_due_seconds or 0.0 for queue in self.queues), default=0.0)


@dataclass
class _Pending:
    """What is found of a queue's pending jobs, part by part."""

    limit: int | None
    counts: Counter[str] = field(default_factory=Counter)
    capped: set[str] = field(default_factory=set)
    oldest: datetime | None = None

    def room(self, name: str) -> int | None:
        """Return how many more are worth reading, one beyond the limit; None for all."""
        return None if self.limit is None else max(0, self.limit - self.counts[name]) + 1

    def add(self, name: str, count: int) -> None:
        total = self.counts[name] + count
        if self.limit is not None and total > self.limit:
            self.capped.add(name)
            total = self.limit
        self.counts[name] = total

    def see(self, moment: datetime | None) -> None:
        if moment is not None:
            self.oldest = moment if self.oldest is None else min(self.oldest, moment)


def outbox_status(
    queues: Sequence[str] = (), *, limit: int | None = 10_000, using: str | None = None
) -> OutboxStatus:
    """
    Return how the outbox stands.

    Args:
        queues: which queues; empty for those that are declared or have pending jobs.
        limit: where counting stops; None counts to the end, which reads every open job.
        using: the database; by default where the router writes :class:`OutboxJob`.
    """
    alias = using or router.db_for_write(OutboxJob)
    jobs = OutboxJob.objects.using(alias)
    declared = get_conf().QUEUES
    names = sorted(set(queues) or {*declared, *pending_queues(using=alias)})
    running = _by_queue(
        jobs.filter(status=JobStatus.IN_PROGRESS).order_by("lease_until"), queues, limit
    )
    dead = dead_jobs(using=alias).filter(status=JobStatus.FAILED)
    failed = _by_queue(dead.order_by("-pk"), queues, limit)
    found = tuple(
        _queue_status(jobs, name, limit, running, failed, is_declared=name in declared)
        for name in names
    )
    return OutboxStatus(found, tuple(_workers(alias)))


def pending_queues(*, using: str) -> Iterator[str]:
    """Yield the queues that have pending jobs, from one to the next along the index."""
    # DISTINCT would read the whole backlog.
    names = OutboxJob.objects.using(using).pending().order_by("queue").values_list("queue")
    row = names.first()
    while row is not None:
        yield row[0]
        row = names.filter(queue__gt=row[0]).first()


def _queue_status(
    jobs: OutboxJobQuerySet,
    name: str,
    limit: int | None,
    running: tuple[Counter[str], bool],
    failed: tuple[Counter[str], bool],
    *,
    is_declared: bool,
) -> QueueStatus:
    pending = jobs.pending().filter(queue=name)
    found = _Pending(limit)
    _see_free(pending.filter(group_key=""), found)
    _see_lanes(pending.filter(group_key__gt=""), found)
    for what, (counts, is_capped) in (("in_progress", running), ("failed", failed)):
        found.counts[what] = counts[name]
        if is_capped:
            found.capped.add(what)
    waited = None
    if found.oldest is not None:
        waited = max(0.0, (server_now(jobs.db) - found.oldest).total_seconds())
    return QueueStatus(
        queue=name,
        is_declared=is_declared,
        due=found.counts["due"],
        later=found.counts["later"],
        in_progress=found.counts["in_progress"],
        failed=found.counts["failed"],
        lanes=found.counts["lanes"],
        oldest_due_seconds=waited,
        at_least=tuple(sorted(found.capped)),
    )


def _see_free(free: OutboxJobQuerySet, found: _Pending) -> None:
    """Look at the jobs of no group, priority by priority: each is in the order of run_after."""
    priority = _first(free.order_by("-priority", "run_after"))
    while priority is not None:
        level = free.filter(priority=priority[0])
        is_due = level.filter(run_after__lte=ServerTime())
        first = _first(is_due.order_by("run_after"))
        found.see(first[1] if first else None)
        for name, part in (("due", is_due), ("later", level.filter(run_after__gt=ServerTime()))):
            if name not in found.capped:
                found.add(name, part.order_by()[: found.room(name)].count())
        lower = free.filter(priority__lt=priority[0])
        priority = _first(lower.order_by("-priority", "run_after"))


def _see_lanes(in_lanes: OutboxJobQuerySet, found: _Pending) -> None:
    """Look at the jobs of groups: as far as the limit, all that stand first in the index."""
    # In the order of the index that holds their due times, so that no row is read.
    stretch = in_lanes.order_by("group_key", "-priority", "run_after", "pk")
    if found.limit is not None:
        stretch = stretch[: found.limit + 1]
    now = ServerTime()
    seen: dict[str, Any] = stretch.values("group_key", "run_after").aggregate(
        all=Count("*"),
        due=Count("group_key", filter=Q(run_after__lte=now)),
        lanes=Count("group_key", distinct=True),
        oldest=Min("run_after", filter=Q(run_after__lte=now)),
    )
    found.see(seen["oldest"])
    for name, count in (
        ("due", seen["due"]),
        ("later", seen["all"] - seen["due"]),
        ("lanes", seen["lanes"]),
    ):
        found.add(name, count)
    if found.limit is not None and seen["all"] > found.limit:
        found.capped |= {"due", "later", "lanes"}


def _by_queue(
    jobs: OutboxJobQuerySet, queues: Sequence[str], limit: int | None
) -> tuple[Counter[str], bool]:
    """Count the jobs by queue; say whether there are more than were counted."""
    if limit is None:
        wanted = jobs.filter(queue__in=queues) if queues else jobs
        rows = wanted.order_by().values_list("queue").annotate(count=Count("*"))
        return Counter(dict(rows)), False
    # All queues share the stretch: no index has these jobs by queue.
    names = list(jobs.values_list("queue", flat=True)[: limit + 1])
    return Counter(names[:limit]), len(names) > limit


def _first(jobs: OutboxJobQuerySet) -> tuple[int, datetime] | None:
    return jobs.values_list("priority", "run_after").first()


def _workers(using: str) -> Iterator[WorkerStatus]:
    lease_s = get_conf().LEASE_SECONDS
    now = server_now(using)
    for worker in OutboxWorker.objects.using(using).order_by("name"):
        ago_s = max(0.0, (now - worker.seen_at).total_seconds())
        yield WorkerStatus(
            name=worker.name,
            host=worker.host,
            pid=worker.pid,
            queues=tuple(worker.queues),
            concurrency=worker.concurrency,
            has_lock=worker.has_lock,
            seen_seconds_ago=round(ago_s, 1),
            is_live=ago_s <= lease_s,
        )
