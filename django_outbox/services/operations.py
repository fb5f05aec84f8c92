"""What people do with jobs by hand: run them again, cancel them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from django_outbox.models import JobStatus, OutboxJob

__all__ = ["Rerun", "cancel", "run_again", "run_now"]

_FINISHED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class Rerun:
    """How many jobs wait again, and how many were skipped since a pending twin will run."""

    waiting: int = 0
    skipped: int = 0


def run_again(ids: Iterable[int], *, using: str) -> Rerun:
    """Let finished jobs run once more, now and with all their attempts."""
    waiting = skipped = 0
    jobs = OutboxJob.objects.using(using).filter(status__in=_FINISHED)
    for job_id in ids:
        try:
            with transaction.atomic(using=using):
                waiting += jobs.filter(pk=job_id).back_to_pending(attempts=0, last_error="")
        except IntegrityError:
            skipped += 1
    return Rerun(waiting, skipped)


def run_now(ids: Iterable[int], *, using: str) -> int:
    """Make waiting jobs due at once; return how many there were."""
    return OutboxJob.objects.using(using).pending().filter(pk__in=list(ids)).back_to_pending()


def cancel(ids: Iterable[int], *, using: str, reason: str) -> int:
    """Cancel waiting jobs and return how many; one that runs already runs to its end."""
    waiting = OutboxJob.objects.using(using).pending().filter(pk__in=list(ids))
    return waiting.finish(JobStatus.CANCELLED, error=reason)
