"""
The jobs that somebody means: found in batches, whatever the size of the table.

A first statement finds candidates along an index or the primary key, a bounded number of them; a
second one asks those for the rest. So no statement reads the table to find three jobs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import router
from django.db.models import Max, Q

from django_opskit.batches import batches
from django_opskit.clock import ServerTime
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet
from django_outbox.services.dead import dead_jobs
from django_outbox.services.operations import Rerun, cancel, run_again

__all__ = ["Selection", "cancel_selected", "retry_selected", "selected"]

BATCH = 1_000
# Rows that one statement of a walk looks at.
_ROWS = 5_000
# So many pending jobs are found along their index at once; above that, by a walk over the table.
_PENDING_AT_ONCE = 100_000
_DEAD = (JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class Selection:
    """
    Which jobs; what is left empty asks for nothing.

    Attributes:
        statuses: PENDING alone, or FAILED and CANCELLED.
        failed_since: finished at this moment or later; a timedelta counts back from the
            server's now.
        error_contains: a part of ``last_error``, in small or capital letters.
        limit: at most so many, the oldest first; None for all.
    """

    statuses: Sequence[JobStatus]
    ids: Sequence[int] = ()
    job_types: Sequence[str] = ()
    queues: Sequence[str] = ()
    failed_since: datetime | timedelta | None = None
    error_contains: str = ""
    limit: int | None = None

    def narrow(self, jobs: OutboxJobQuerySet) -> OutboxJobQuerySet:
        """Keep those of ``jobs`` that are meant, however many."""
        jobs = jobs.filter(status__in=self.statuses)
        if self.job_types:
            jobs = jobs.filter(job_type__in=self.job_types)
        if self.queues:
            jobs = jobs.filter(queue__in=self.queues)
        if isinstance(self.failed_since, timedelta):
            since = ServerTime(-self.failed_since.total_seconds())
            jobs = jobs.filter(finished_at__gte=since)
        elif self.failed_since is not None:
            jobs = jobs.filter(finished_at__gte=self.failed_since)
        if self.error_contains:
            jobs = jobs.filter(last_error__icontains=self.error_contains)
        return jobs


def selected(selection: Selection, *, using: str) -> Iterator[list[int]]:
    """Yield the ids that are meant, in ascending batches of 5,000 at most."""
    jobs = OutboxJob.objects.using(using)
    left = selection.limit
    for stretch in _stretches(selection, jobs):
        meant = selection.narrow(jobs).filter(stretch).order_by("pk")
        ids = list(meant.values_list("pk", flat=True)[:left])
        if ids:
            yield ids
        if left is not None:
            left -= len(ids)
            if left <= 0:
                return


def retry_selected(
    selection: Selection, *, using: str | None = None, dry_run: bool = False
) -> Rerun:
    """
    Let the jobs that are meant run again, batch by batch; return what became of them.

    With ``dry_run`` nothing changes, and those with a pending twin are counted as waiting.
    """
    alias = using or router.db_for_write(OutboxJob)
    outcome = Rerun()
    for ids in selected(selection, using=alias):
        outcome += Rerun(waiting=len(ids)) if dry_run else run_again(ids, using=alias)
    return outcome


def cancel_selected(
    selection: Selection, *, reason: str, using: str | None = None, dry_run: bool = False
) -> int:
    """Cancel the waiting jobs that are meant, batch by batch; return how many there were."""
    alias = using or router.db_for_write(OutboxJob)
    pending = replace(selection, statuses=[JobStatus.PENDING])
    return sum(
        len(ids) if dry_run else cancel(ids, using=alias, reason=reason)
        for ids in selected(pending, using=alias)
    )


def _stretches(selection: Selection, jobs: OutboxJobQuerySet) -> Iterator[Q]:
    """Yield conditions that each hold for a bounded number of rows, by ascending ids."""
    if selection.ids:
        return _chunks(sorted(set(selection.ids)))
    if set(selection.statuses) <= set(_DEAD):
        return _walk(dead_jobs(using=jobs.db))
    pending = jobs.pending().order_by()
    if selection.queues:
        pending = pending.filter(queue__in=selection.queues)
    found = list(pending.values_list("pk", flat=True)[: _PENDING_AT_ONCE + 1])
    # The index of pending jobs is in another order than their ids, so it cannot be paged by id.
    return _chunks(sorted(found)) if len(found) <= _PENDING_AT_ONCE else _walk(jobs.all())


def _walk(jobs: OutboxJobQuerySet) -> Iterator[Q]:
    last = 0
    while True:
        stretch = jobs.filter(pk__gt=last).order_by("pk")[:_ROWS]
        end = stretch.aggregate(last=Max("pk"))["last"]
        if end is None:
            return
        yield Q(pk__gt=last, pk__lte=end)
        last = end


def _chunks(ids: Sequence[int]) -> Iterator[Q]:
    for chunk in batches(ids, BATCH):
        yield Q(pk__in=chunk)
