"""A worker's hold on its jobs: one statement extends all its leases."""

import logging
import threading
from collections.abc import Callable, Iterable

from django.db import connections

from django_opskit.clock import ServerTime
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet
from django_outbox.services.companion import Companion

__all__ = ["Heartbeat"]

logger = logging.getLogger(__name__)

# A statement has room for so many values.
_BATCH = 1000


class Heartbeat(Companion):
    """
    Extends the leases of the jobs that were put into it, from a thread with a connection of its
    own, so that neither a busy handler nor a slow claim costs them.

    It names the jobs that the worker knows of, not just the worker: a claim whose answer was
    lost on the way leaves jobs that nobody runs, and those have to expire.

    ``on_lost`` is called, on that thread, with the ids and claim numbers of jobs that turned out
    to be another worker's by now.
    """

    def __init__(
        self,
        worker: str,
        *,
        lease_seconds: float,
        every_seconds: float,
        using: str,
        on_lost: Callable[[set[tuple[int, int]]], None] | None = None,
    ) -> None:
        super().__init__(f"outbox-heartbeat-{worker}")
        self.worker = worker
        self.lease_seconds = lease_seconds
        self.every_seconds = every_seconds
        self.using = using
        self._on_lost = on_lost or (lambda lost: None)
        self._held: set[tuple[int, int]] = set()
        self._lock = threading.Lock()

    def hold(self, jobs: Iterable[OutboxJob]) -> None:
        """Extend the leases of these jobs from now on."""
        with self._lock:
            self._held.update((job.pk, job.claim_no) for job in jobs)

    def drop(self, jobs: Iterable[OutboxJob]) -> None:
        """Extend them no longer."""
        with self._lock:
            self._held.difference_update((job.pk, job.claim_no) for job in jobs)

    def beat(self) -> int:
        """Extend the leases now; return how many there were."""
        with self._lock:
            held = set(self._held)
        ids = list({job_id for job_id, _ in held})
        extended = sum(
            self._ours(ids[start : start + _BATCH]).update(
                lease_until=ServerTime(self.lease_seconds)
            )
            for start in range(0, len(ids), _BATCH)
        )
        if extended < len(held):
            self._tell_of_lost(held, ids)
        return extended

    def _tell_of_lost(self, held: set[tuple[int, int]], ids: list[int]) -> None:
        taken: set[int] = set()
        ours: set[tuple[int, int]] = set()
        rows = OutboxJob.objects.using(self.using)
        for start in range(0, len(ids), _BATCH):
            found = rows.filter(pk__in=ids[start : start + _BATCH])
            for job_id, claim_no, status in found.values_list("pk", "claim_no", "status"):
                taken.add(job_id)
                # An atomic handler completes its job before the worker hears of it.
                if status in (JobStatus.IN_PROGRESS, JobStatus.COMPLETED):
                    ours.add((job_id, claim_no))
        with self._lock:
            # A job that is no more was completed and deleted; those that were reported
            # meanwhile are finished too.
            lost = {key for key in held - ours if key[0] in taken} & self._held
        if lost:
            logger.warning("worker=%s lost=%s leases: others have the jobs", self.worker, len(lost))
            self._on_lost(lost)

    def _ours(self, ids: list[int]) -> OutboxJobQuerySet:
        jobs = OutboxJob.objects.using(self.using)
        return jobs.filter(pk__in=ids, worker=self.worker, lease_until__isnull=False)

    def run(self) -> None:
        """Beat until the worker ends."""
        wait_s = self.every_seconds
        while not self.ended.wait(wait_s):
            wait_s = self.every_seconds if self._beat_or_log() else 1.0

    def _beat_or_log(self) -> bool:
        try:
            self.beat()
        except Exception as error:  # noqa: BLE001  # its end would cost every lease
            logger.warning("worker=%s heartbeat failed: %s", self.worker, error)
            connections[self.using].close()
            return False
        return True
