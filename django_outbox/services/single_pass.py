"""One pass over the due jobs, in this process and thread: for tests, cron and shells."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext

from django.db import connections, router

from django_outbox.backends import store_for
from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob
from django_outbox.services.caution import is_delicate
from django_outbox.services.claiming import QueueRota
from django_outbox.services.context import JobContext
from django_outbox.services.execution import execute_here
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.identity import worker_name
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back, settle

__all__ = ["run_once"]


def run_once(
    max_jobs: int = 50, *, queues: Sequence[str] | None = None, using: str | None = None
) -> int:
    """
    Run up to ``max_jobs`` due jobs here and now; return how many were begun.

    Everything happens on this thread's connection: inside a test's transaction the pass sees
    what the test wrote. Jobs enqueued by the handlers wait for the next pass.

    Args:
        max_jobs: at least 1.
        queues: the queues to look at; all of ``OUTBOX["QUEUES"]`` by default.
        using: the database; by default where the router writes :class:`OutboxJob`.
    """
    if max_jobs < 1:
        raise ValueError(f"max_jobs must be 1 or more, got {max_jobs}")
    alias = using or router.db_for_write(OutboxJob)
    one_pass = _Pass(queues or list(get_conf().QUEUES), using=alias)
    rescue_expired(using=alias)
    return one_pass.run(max_jobs)


class _Pass:
    def __init__(self, queues: Sequence[str], *, using: str) -> None:
        conf = get_conf()
        self.using = using
        self._lease_seconds = conf.LEASE_SECONDS
        self._worker = worker_name()
        self._rota = QueueRota(
            queues, worker=self._worker, lease_seconds=conf.LEASE_SECONDS, using=using
        )
        self._heartbeat = Heartbeat(
            self._worker,
            lease_seconds=conf.LEASE_SECONDS,
            every_seconds=conf.HEARTBEAT_SECONDS,
            using=using,
            on_lost=self._lose,
        )
        # What is held and not begun, in order; and those of it that were given back until then.
        self._waiting: list[OutboxJob] = []
        self._spared: set[int] = set()
        self._contexts: dict[tuple[int, int], JobContext] = {}

    def run(self, max_jobs: int) -> int:
        """Return how many were begun."""
        begun = 0
        # Inside a transaction nobody else sees the claim: none can take it, and an extension
        # from another connection would only wait for the rows.
        is_private = connections[self.using].in_atomic_block
        with nullcontext() if is_private else self._heartbeat:
            self._claim(max_jobs)
            try:
                for context in self._turns():
                    begun += 1
                    result = execute_here(context)
                    settle([result], using=self.using)
                    self._heartbeat.drop([context.job])
                    if isinstance(result.error, KeyboardInterrupt):
                        raise result.error
            finally:
                held = [job for job in self._waiting if job.pk not in self._spared]
                give_back(held, using=self.using)
        return begun

    def _claim(self, max_jobs: int) -> None:
        claimed = self._rota.claim(max_jobs)
        while not claimed and self._rota.is_unfinished:
            claimed = self._rota.claim(max_jobs)
        self._waiting = claimed
        self._spared = {job.pk for job in claimed[1:] if is_delicate(job)}
        self._hold([job for job in claimed if job.pk not in self._spared])
        give_back([job for job in claimed if job.pk in self._spared], using=self.using)

    def _turns(self) -> Iterator[JobContext]:
        while self._waiting:
            job = self._waiting.pop(0)
            # Nothing where another worker has taken it meanwhile.
            for taken in self._taken_again(job) if job.pk in self._spared else [job]:
                yield self._contexts[taken.pk, taken.claim_no]

    def _taken_again(self, job: OutboxJob) -> list[OutboxJob]:
        store = store_for(self.using)
        taken = store.take([job.pk], worker=self._worker, lease_seconds=self._lease_seconds)
        self._hold(taken)
        return taken

    def _hold(self, jobs: Sequence[OutboxJob]) -> None:
        self._contexts |= {(job.pk, job.claim_no): JobContext(job, self.using) for job in jobs}
        self._heartbeat.hold(jobs)

    def _lose(self, keys: Collection[tuple[int, int]]) -> None:
        for key in keys:
            self._contexts[key].lose()
