"""A worker's sign of life: one statement extends all its leases."""

import logging
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connections

from django_outbox.clock import ServerTime
from django_outbox.models import JobStatus, OutboxJob

__all__ = ["Heartbeat"]

logger = logging.getLogger(__name__)


class Heartbeat:
    """
    Extends the leases of the jobs that were put into it, from a thread with a connection of its
    own, so that neither a busy handler nor a slow claim costs them.

    It names the jobs that the worker knows of, not just the worker: a claim whose answer was
    lost on the way leaves jobs that nobody runs, and those have to expire.
    """

    def __init__(
        self, worker: str, *, lease_seconds: float, every_seconds: float, using: str
    ) -> None:
        self.worker = worker
        self.lease_seconds = lease_seconds
        self.every_seconds = every_seconds
        self.using = using
        self._held: set[int] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"outbox-heartbeat-{worker}", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        # A beat that hangs in a dead network must not hold up the worker's exit.
        self._thread.join(timeout=5)

    def hold(self, jobs: Iterable[OutboxJob]) -> None:
        """Extend the leases of these jobs from now on."""
        with self._lock:
            self._held.update(job.pk for job in jobs)

    def drop(self, jobs: Iterable[OutboxJob]) -> None:
        """Extend them no longer."""
        with self._lock:
            self._held.difference_update(job.pk for job in jobs)

    def beat(self) -> int:
        """Extend the leases now; return how many there were."""
        with self._lock:
            held = list(self._held)
        if not held:
            return 0
        return (
            OutboxJob.objects.using(self.using)
            .filter(pk__in=held, worker=self.worker, status=JobStatus.IN_PROGRESS)
            .update(lease_until=ServerTime(self.lease_seconds))
        )

    def _run(self) -> None:
        wait_s = self.every_seconds
        try:
            while not self._ended.wait(wait_s):
                wait_s = self.every_seconds if self._beat_or_log() else 1.0
        finally:
            connections.close_all()

    def _beat_or_log(self) -> bool:
        try:
            self.beat()
        except DatabaseError as error:
            logger.warning("worker=%s heartbeat failed: %s", self.worker, error)
            connections[self.using].close()
            return False
        return True
