"""What people do with jobs by hand: run them again, cancel them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, router, transaction

from django_opskit.batches import batches
from django_outbox.backends.wakeup import wake_up_for
from django_outbox.conf import get_conf
from django_outbox.models import JobStatus, OutboxJob

__all__ = ["Rerun", "cancel", "run_again", "run_now"]

_CHUNK = 1000
_FINISHED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True)
class Rerun:
    """How many jobs wait again, and how many were skipped since a pending twin will run."""

    waiting: int = 0
    skipped: int = 0

    def __add__(self, other: "Rerun") -> "Rerun":
        return Rerun(self.waiting + other.waiting, self.skipped + other.skipped)


def run_again(ids: Sequence[int], *, using: str | None = None) -> Rerun:
    """Let finished jobs run once more, now and with all their attempts."""
    using = using or router.db_for_write(OutboxJob)
    outcome = Rerun()
    for chunk in batches(ids, _CHUNK):
        try:
            outcome += Rerun(waiting=_wait_again(chunk, using))
        except IntegrityError:
            # Some of them have twins. Which ones, only one after the other can tell.
            for job_id in chunk:
                try:
                    outcome += Rerun(waiting=_wait_again([job_id], using))
                except IntegrityError:
                    outcome += Rerun(skipped=1)
    _wake_up(ids, using)
    return outcome


def run_now(ids: Sequence[int], *, using: str | None = None) -> int:
    """Make waiting jobs due at once; return how many there were."""
    using = using or router.db_for_write(OutboxJob)
    pending = OutboxJob.objects.using(using).pending()
    count = sum(pending.filter(pk__in=chunk).back_to_pending() for chunk in batches(ids, _CHUNK))
    _wake_up(ids, using)
    return count


def cancel(ids: Sequence[int], *, using: str | None = None, reason: str = "cancelled") -> int:
    """Cancel waiting jobs and return how many; one that runs already runs to its end."""
    using = using or router.db_for_write(OutboxJob)
    pending = OutboxJob.objects.using(using).pending()
    return sum(
        pending.filter(pk__in=chunk).finish(JobStatus.CANCELLED, error=reason)
        for chunk in batches(ids, _CHUNK)
    )


def _wait_again(ids: Sequence[int], using: str) -> int:
    finished = OutboxJob.objects.using(using).filter(status__in=_FINISHED, pk__in=ids)
    with transaction.atomic(using=using):
        return finished.back_to_pending(attempts=0, last_error="")


def _wake_up(ids: Sequence[int], using: str) -> None:
    if get_conf().WAKE_UP:
        wake_up_for(ids, using=using)
