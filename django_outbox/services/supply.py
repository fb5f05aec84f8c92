"""How many jobs a worker takes, and when: enough for its threads, and no more."""

import logging
import time

from django_outbox.engine.prefetch import low_water, prefetch, smoothed_mean
from django_outbox.services.caution import is_delicate
from django_outbox.services.claiming import QueueRota
from django_outbox.services.ledger import Ledger
from django_outbox.services.threads import HandlerThreads

__all__ = ["PATIENCE_SECONDS", "Supply"]

logger = logging.getLogger(__name__)

#: How long jobs wait behind handlers of which none ends, before they go back for others.
PATIENCE_SECONDS = 1.0
# So long after the last delicate job there may be more of them.
_CAREFUL_SECONDS = 1.0


class Supply:
    """
    Keeps the threads of one worker supplied, and the ledger told.

    Short jobs go through it as through a pipe: the next ones are claimed before the last ones
    are through. Two things turn it into a counter with a clerk for each: handlers that take long,
    and jobs that may be what killed a worker (see :mod:`django_outbox.services.caution`).

    Used by the worker's own thread alone.
    """

    def __init__(
        self, rota: QueueRota, threads: HandlerThreads, ledger: Ledger, *, max_jobs: int
    ) -> None:
        self._rota = rota
        self._threads = threads
        self._ledger = ledger
        self._max_jobs = max_jobs
        self._mean_seconds: float | None = None
        # When a thread was seen to take a job, or to end one.
        self._moved_at = 0.0
        self._careful_until = 0.0
        self._has_spared = False

    def note_results(self) -> None:
        """Enter into the ledger what the threads have finished."""
        results = self._threads.take_results()
        self._ledger.note(results)
        if results:
            self._moved_at = time.monotonic()
        for result in results:
            self._mean_seconds = smoothed_mean(self._mean_seconds, result.seconds)

    def claim(self) -> int:
        """Fill up when the threads are about to run dry; return how many jobs came."""
        self.note_results()
        if self.is_full:
            return 0
        free = self._free_threads()
        claimed = self._rota.claim(self._limit(max(1, free)))
        self._ledger.take(claimed)
        self._has_spared = False
        if any(map(is_delicate, claimed)):
            self._careful_until = time.monotonic() + _CAREFUL_SECONDS
            # What has ended is written down before: it would run again after a crash.
            ready = 0 if self._ledger.has_results else max(0, free - self._threads.waiting)
            claimed, spared = claimed[:ready], claimed[ready:]
            self._ledger.release(spared, reason="")
            self._has_spared = bool(spared)
        if free > 0:
            self._moved_at = time.monotonic()
        self._threads.submit(claimed, low_water=self._low_water())
        return len(claimed)

    def unblock(self) -> None:
        """Give back what waits behind handlers that take long: another worker may be idle."""
        if not self.has_waiting or time.monotonic() < self._moved_at + PATIENCE_SECONDS:
            return
        # From here on jobs are claimed as long ones are: for free threads alone.
        self._mean_seconds = max(self._mean_seconds or 0.0, PATIENCE_SECONDS)
        returned = self._ledger.release(self._threads.take_waiting(), reason="")
        logger.info("returned=%s: no handler has ended for a while, others may run them", returned)

    @property
    def is_careful(self) -> bool:
        """Whether delicate jobs are about: nothing else shall be at stake when one begins."""
        return time.monotonic() < self._careful_until

    @property
    def has_waiting(self) -> bool:
        """Whether claimed jobs wait for a thread."""
        return self._threads.waiting > 0

    @property
    def is_full(self) -> bool:
        """Whether a claim would bring more than the threads can use soon."""
        return self.has_enough or (not self._threads.waiting and self._free_threads() <= 0)

    @property
    def has_enough(self) -> bool:
        """Whether so many jobs wait for a thread that the next claim can wait too."""
        return self._threads.waiting > self._low_water()

    @property
    def is_short(self) -> bool:
        """Whether a thread has nothing to do."""
        return not self._threads.waiting and self._free_threads() > 0

    @property
    def may_find_more(self) -> bool:
        """Whether the last claim gave up before it had looked everywhere, or gave some back."""
        return self._rota.is_unfinished or self._has_spared

    def _free_threads(self) -> int:
        # What the threads have finished since the last look counts as running: rather too few.
        running = self._ledger.unfinished - self._threads.waiting
        return self._threads.size - running

    def _limit(self, free: int) -> int:
        if self.is_careful:
            return min(free, self._max_jobs)
        return prefetch(self._mean_seconds, threads=free, limit=self._max_jobs)

    def _low_water(self) -> int:
        if self.is_careful:
            return 0
        return low_water(self._mean_seconds, threads=self._threads.size, limit=self._max_jobs)
