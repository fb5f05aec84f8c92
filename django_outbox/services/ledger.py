"""What a worker holds, and what it has still to write down."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import DatabaseError, InterfaceError

from django_opskit.conflicts import is_conflict
from django_outbox.backends.contention import answers
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Result
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.settlement import Settled, batches, give_back, settle

__all__ = ["Ledger"]

logger = logging.getLogger(__name__)


class Ledger:
    """
    The jobs of one worker, from the claim to the moment when their outcome is in the database.

    Used by the worker's own thread alone. What is held has its leases extended by ``heartbeat``;
    ``on_results`` is called with what has been written down.
    """

    def __init__(
        self,
        worker: str,
        *,
        heartbeat: Heartbeat,
        using: str,
        on_results: Callable[[Sequence[Result]], None] | None = None,
    ) -> None:
        self.worker = worker
        self.using = using
        self._on_results = on_results or (lambda results: None)
        self._heartbeat = heartbeat
        # By claim: a job that was lost may be claimed again before its first attempt ends.
        self._held: dict[tuple[int, int], OutboxJob] = {}
        self._unsettled: list[Result] = []
        self._noted_at = 0.0

    @property
    def keys(self) -> list[tuple[int, int]]:
        """The ids and claim numbers of the jobs that are held."""
        return list(self._held)

    @property
    def unfinished(self) -> int:
        """How many jobs wait for a thread, or run."""
        return len(self._held) - len(self._unsettled)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held."""
        return not self._held

    @property
    def has_results(self) -> bool:
        """Whether something is to be written down."""
        return bool(self._unsettled)

    def has_few_results(self, few: int, *, seconds: float) -> bool:
        """Whether fewer than ``few`` results are to be written down, none for so long."""
        is_new = time.monotonic() < self._noted_at + seconds
        return len(self._unsettled) < few and is_new

    def take(self, jobs: Sequence[OutboxJob]) -> None:
        """Hold the jobs of a claim."""
        self._held.update(((job.pk, job.claim_no), job) for job in jobs)
        self._heartbeat.hold(jobs)

    def note(self, results: Iterable[Result]) -> None:
        """Remember how some attempts ended."""
        if not self._unsettled:
            self._noted_at = time.monotonic()
        self._unsettled.extend(results)

    def settle(self) -> Iterator[Settled]:
        """
        Write down the results there are, let their jobs go, and yield what became of them.

        A result that meets a conflict stays for the next time. When the database goes away in
        the middle, what was written has left the list, and nothing is reported twice.
        """
        for batch in batches(self._unsettled):
            settled = self._settle_or_postpone(batch)
            if settled is None:
                # Each one costs patience: the rest has its turn at the next look.
                self._unsettled.sort(key=lambda result: any(result is one for one in batch))
                return
            yield settled

    def release(self, jobs: Sequence[OutboxJob] | None = None, *, reason: str) -> int:
        """
        Give back these jobs, or all; return how many were still ours.

        A database that does not answer loses nothing: the leases end, and others take the jobs.
        """
        leaving = list(self._held.values()) if jobs is None else jobs
        if not leaving:
            return 0
        returned = 0
        try:
            returned = give_back(leaving, using=self.using, reason=reason)
        except (DatabaseError, InterfaceError) as error:
            logger.warning(
                "worker=%s could not return %s jobs: %s", self.worker, len(leaving), error
            )
        self._let_go(leaving)
        return returned

    def _settle_or_postpone(self, batch: Sequence[Result]) -> Settled | None:
        try:
            settled = settle(batch, using=self.using)
        except DatabaseError as error:
            # Another transaction has the key, or the rows: do something else meanwhile.
            if is_conflict(error):
                return None
            if not answers(self.using):
                raise
            logger.error("worker=%s results refused, one by one now: %s", self.worker, error)
            return sum(map(self._settle_or_fail, batch), Settled())
        return self._is_settled(batch, settled)

    def _settle_or_fail(self, result: Result) -> Settled:
        """Settle one result; one that the database refuses is a failure, and not tried for ever."""
        refusal: DatabaseError | None = None
        for one in (result, None):
            attempted = one or Result(result.job, result.seconds, error=refusal)
            try:
                return self._is_settled([result], settle([attempted], using=self.using))
            except DatabaseError as error:
                if is_conflict(error):
                    return Settled()
                if not answers(self.using):
                    raise
                refusal = error
        logger.error("job_id=%s is left to its lease: %s", result.job.pk, refusal)
        return self._is_settled([result], Settled(lost=1))

    def _is_settled(self, batch: Sequence[Result], settled: Settled) -> Settled:
        self._on_results(batch)
        settled_now = set(map(id, batch))
        self._unsettled = [one for one in self._unsettled if id(one) not in settled_now]
        self._let_go([result.job for result in batch])
        return settled

    def _let_go(self, jobs: Sequence[OutboxJob]) -> None:
        self._heartbeat.drop(jobs)
        for job in jobs:
            self._held.pop((job.pk, job.claim_no), None)
