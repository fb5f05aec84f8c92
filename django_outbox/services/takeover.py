"""The jobs of workers that are known to be dead, and the rows that such workers leave."""

import logging

from django.db import DatabaseError

from django_outbox.backends.contention import is_conflict
from django_outbox.clock import ServerTime
from django_outbox.models import JobStatus, OutboxJob, OutboxWorker
from django_outbox.services.rescue import rescue
from django_outbox.services.settlement import Settled

__all__ = ["forget_silent_workers", "forget_worker", "take_over"]

logger = logging.getLogger(__name__)

_DIED = "The worker {worker} died while it held the job."

# So many leases without a sign of life, and a worker's row says nothing any more.
_LEASES_UNTIL_FORGOTTEN = 3


def take_over(worker: str, *, using: str) -> Settled:
    """
    Let the jobs of the dead ``worker`` wait again; bury those without attempts left.

    A job whose key somebody enqueues just now is left to the next look.
    """
    left = OutboxJob.objects.using(using).filter(
        status=JobStatus.IN_PROGRESS, worker=worker, lease_until__isnull=False
    )
    taken = Settled()
    for job in left.order_by("pk"):
        try:
            taken += rescue(job, using=using, reason=_DIED.format(worker=worker))
        except DatabaseError as error:
            if not is_conflict(error):
                raise
    if taken.total:
        logger.warning(
            "worker=%s died: retried=%s failed=%s superseded=%s",
            worker,
            taken.retried,
            taken.failed,
            taken.superseded,
        )
    return taken


def forget_worker(worker: str, *, using: str) -> None:
    """Remove the row of a worker that is gone."""
    OutboxWorker.objects.using(using).filter(name=worker).delete()


def forget_silent_workers(lease_seconds: float, *, using: str) -> int:
    """Remove the rows of workers that died without a lock, and return how many there were."""
    long_ago = ServerTime(-_LEASES_UNTIL_FORGOTTEN * lease_seconds)
    silent = OutboxWorker.objects.using(using).filter(seen_at__lt=long_ago)
    # A look first: on SQLite a DELETE takes the write lock even when it finds nothing.
    return silent.delete()[0] if silent.exists() else 0
