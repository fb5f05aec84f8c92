"""The jobs of workers that are known to be dead, and the rows that such workers leave."""

import logging

from django.db import DatabaseError
from django.db.models import Q

from django_opskit.clock import ServerTime
from django_outbox.conf import get_conf
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet, OutboxWorker
from django_outbox.services.caution import DIED
from django_outbox.services.rescue import pass_over, rescue
from django_outbox.services.settlement import Settled

__all__ = ["forget_silent_workers", "forget_worker", "holds_jobs", "take_over"]

logger = logging.getLogger(__name__)

# So many leases without a sign of life, and a worker's row says nothing any more.
_LEASES_UNTIL_FORGOTTEN = 3


def take_over(worker: str, *, using: str) -> Settled:
    """
    Let the jobs of the dead ``worker`` wait again; bury those without attempts left.

    A job whose key somebody enqueues just now is left to the next look.
    """
    taken = Settled()
    for job in _jobs_of(worker, using).order_by("pk"):
        try:
            taken += rescue(job, using=using, reason=DIED.format(worker=worker))
        except DatabaseError as error:
            pass_over(job, error, using=using)
    if taken.total:
        logger.warning(
            "worker=%s died: retried=%s failed=%s superseded=%s",
            worker,
            taken.retried,
            taken.failed,
            taken.superseded,
        )
    return taken


def holds_jobs(worker: str, *, using: str) -> bool:
    """Return whether jobs are held under this worker's name."""
    return _jobs_of(worker, using).exists()


def forget_worker(worker: str, *, using: str) -> None:
    """Remove the row of a worker that is gone."""
    OutboxWorker.objects.using(using).filter(name=worker).delete()


def forget_silent_workers(lease_seconds: float, *, using: str) -> int:
    """
    Remove the rows of workers that died without a lock, and return how many there were.

    One with a lock is found through that; its row is kept for a day, should nobody keep watch.
    """
    # Others may have longer leases than the caller, and sign as seldom as the settings say.
    patience_s = _LEASES_UNTIL_FORGOTTEN * max(lease_seconds, get_conf().LEASE_SECONDS)
    silent = OutboxWorker.objects.using(using).filter(
        Q(seen_at__lt=ServerTime(-patience_s), has_lock=False)
        | Q(seen_at__lt=ServerTime(-max(patience_s, 86_400)))
    )
    # A look first: on SQLite a DELETE takes the write lock even when it finds nothing.
    return silent.delete()[0] if silent.exists() else 0


def _jobs_of(worker: str, using: str) -> OutboxJobQuerySet:
    jobs = OutboxJob.objects.using(using)
    return jobs.filter(status=JobStatus.IN_PROGRESS, worker=worker, lease_until__isnull=False)
