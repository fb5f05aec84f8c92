"""How many jobs a worker takes, and when: enough for its threads, and no more."""

from django_outbox.engine.prefetch import low_water, prefetch, smoothed_mean
from django_outbox.services.claiming import QueueRota
from django_outbox.services.ledger import Ledger
from django_outbox.services.threads import HandlerThreads

__all__ = ["Supply"]


class Supply:
    """
    Keeps the threads of one worker supplied, and the ledger told.

    Short jobs go through it as through a pipe: the next ones are claimed before the last ones
    are through. Used by the worker's own thread alone.
    """

    def __init__(
        self, rota: QueueRota, threads: HandlerThreads, ledger: Ledger, *, max_jobs: int
    ) -> None:
        self._rota = rota
        self._threads = threads
        self._ledger = ledger
        self._max_jobs = max_jobs
        self._mean_seconds: float | None = None

    def note_results(self) -> None:
        """Enter into the ledger what the threads have finished."""
        results = self._threads.take_results()
        self._ledger.note(results)
        for result in results:
            self._mean_seconds = smoothed_mean(self._mean_seconds, result.seconds)

    def claim(self) -> int:
        """Fill up when the threads are about to run dry; return how many jobs came."""
        self.note_results()
        if self.is_full:
            return 0
        free = max(1, self._free_threads())
        claimed = self._rota.claim(prefetch(self._mean_seconds, threads=free, limit=self._max_jobs))
        self._ledger.take(claimed)
        self._threads.submit(claimed, low_water=self._low_water())
        return len(claimed)

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
        """Whether the last claim gave up before it had looked everywhere."""
        return self._rota.is_unfinished

    def _free_threads(self) -> int:
        # What the threads have finished since the last look counts as running: rather too few.
        running = self._ledger.unfinished - self._threads.waiting
        return self._threads.size - running

    def _low_water(self) -> int:
        return low_water(self._mean_seconds, threads=self._threads.size, limit=self._max_jobs)
