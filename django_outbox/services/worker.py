"""
The worker: claims jobs, lets threads run them, writes down how they ended.

One thread, the caller of :meth:`Worker.run`, does all of that and never runs a handler, so it
always hears a request to stop. Handlers run on :class:`HandlerThreads`; a
:class:`Heartbeat` extends the leases. What the worker has to hear comes through one queue:
results, and the wake-up of a signal.

The hardest failure is the database going away. Results are kept and written when it is back;
by then a lease may be over and another worker may have done the job again: at least once, which
is the promise, and the fence keeps the late result from counting.
"""

import logging
import queue
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from django.db import DatabaseError, InterfaceError, connections, reset_queries, router

from django_outbox.conf import get_conf
from django_outbox.engine.prefetch import prefetch, smoothed_mean
from django_outbox.exceptions import SetupError
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.execution import Result
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.identity import worker_name
from django_outbox.services.registry import registry
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import Settled, give_back, settle
from django_outbox.services.threads import HandlerThreads

__all__ = ["Worker", "WorkerOptions", "WorkerReport"]

logger = logging.getLogger(__name__)

_RESCUE_EVERY_SECONDS = 1.0
# How long a result may wait for others, so that one statement settles them all.
_GATHER_SECONDS = 0.02
_LONGEST_OUTAGE_WAIT_SECONDS = 15.0
_STOPPED = "The worker was stopped while the job ran, and the grace period was over."


class _Wake(Enum):
    STOP = auto()


@dataclass(frozen=True)
class WorkerOptions:
    """
    How a worker works.

    Attributes:
        poll_seconds: the wait between looks when nothing is due.
        max_jobs: the most jobs taken in one look.
        concurrency: how many handlers run side by side.
        queues: which queues; empty for all that are declared.
        drain: stop by itself when nothing is due and nothing runs.
        grace_seconds: how long running handlers may finish after :meth:`Worker.stop`.
        lease_seconds: how long a job is held without a heartbeat.
        heartbeat_seconds: how often leases are extended.
    """

    poll_seconds: float = 2.0
    max_jobs: int = 50
    concurrency: int = 1
    queues: Sequence[str] = ()
    drain: bool = False
    grace_seconds: float = 30.0
    lease_seconds: float = 60.0
    heartbeat_seconds: float = 15.0


@dataclass
class WorkerReport:
    """What a worker has done so far."""

    settled: Settled = field(default_factory=Settled)
    returned: int = 0


class Worker:
    """
    Runs jobs until it is told to stop.

    ``run`` blocks; ``stop`` and ``stop_now`` may be called from any thread or signal handler.
    ``on_settled`` is called after each batch of results, on the thread of ``run``.
    """

    def __init__(
        self,
        options: WorkerOptions,
        *,
        using: str | None = None,
        on_settled: Callable[[Settled], None] | None = None,
    ) -> None:
        self.options = options
        self.using = using or router.db_for_write(OutboxJob)
        self.name = worker_name()
        self.queues = list(options.queues) or list(get_conf().QUEUES)
        self.report = WorkerReport()
        self._on_settled = on_settled or (lambda settled: None)
        # SimpleQueue.put is reentrant: a signal handler may call it in the middle of a get.
        self._events: queue.SimpleQueue[Result | _Wake] = queue.SimpleQueue()
        self._threads = HandlerThreads(
            options.concurrency, using=self.using, on_result=self._events.put
        )
        self._heartbeat = Heartbeat(
            self.name,
            lease_seconds=options.lease_seconds,
            every_seconds=options.heartbeat_seconds,
            using=self.using,
        )
        self._rota = QueueRota(
            self.queues, worker=self.name, lease_seconds=options.lease_seconds, using=self.using
        )
        self._held: dict[int, OutboxJob] = {}
        self._unsettled: list[Result] = []
        self._mean_seconds: float | None = None
        self._rescue_at = 0.0
        self._outages = 0
        self._stopping = False
        self._stopping_now = False

    def stop(self) -> None:
        """Claim no more, let running handlers finish within the grace period, then return."""
        self._stopping = True
        self._events.put(_Wake.STOP)

    def stop_now(self) -> None:
        """Give running jobs back at once and return."""
        self._stopping_now = True
        self.stop()

    def run(self) -> WorkerReport:
        """
        Work until stopped (or, with ``drain``, until nothing is due); return what was done.

        Raises:
            SetupError: the table is missing. Every other database error is waited out.
        """
        registry.discover()
        self._threads.start()
        with self._heartbeat:
            try:
                while not self._stopping:
                    self._tick_or_wait()
            finally:
                self._shut_down()
        return self.report

    def _tick_or_wait(self) -> None:
        try:
            self._tick()
            self._outages = 0
        except (DatabaseError, InterfaceError) as error:
            self._outages += 1
            wait_s = self._outage_wait(error)
            deadline = time.monotonic() + wait_s
            # Results may come in meanwhile and must not turn this wait into a busy loop.
            while not self._stopping and (left := deadline - time.monotonic()) > 0:
                self._receive(left)

    def _tick(self) -> None:
        reset_queries()  # with DEBUG on, Django keeps every statement
        self._settle()
        if self._outages:
            # Our own leases may have run out meanwhile: extend them before anyone rescues them.
            self._heartbeat.beat()
        self._rescue()
        claimed = self._claim()
        if not self._held and self.options.drain:
            self._stopping = True
            return
        if claimed:
            self._receive(self.options.poll_seconds)
        else:
            # Jitter, so that many idle workers do not ask the database at the same moment.
            spread = random.uniform(0.9, 1.1)  # noqa: S311
            self._receive(self.options.poll_seconds * spread)

    def _claim(self) -> int:
        """Fill up when the threads are about to run dry; return how many jobs came."""
        free = self.options.concurrency - (len(self._held) - self._threads.waiting)
        if self._threads.waiting or free <= 0:
            return 0
        claimed = self._rota.claim(
            prefetch(self._mean_seconds, threads=free, limit=self.options.max_jobs)
        )
        self._held.update((job.pk, job) for job in claimed)
        self._heartbeat.hold(claimed)
        self._threads.submit(claimed)
        return len(claimed)

    def _receive(self, timeout_seconds: float) -> None:
        """Wait for something to happen, then gather what else happens right after it."""
        try:
            self._note(self._events.get(timeout=max(0.0, timeout_seconds)))
            until = time.monotonic() + _GATHER_SECONDS
            while not self._stopping:
                # While jobs wait for a thread, more results are on their way.
                wait_s = until - time.monotonic() if self._threads.waiting else 0.0
                self._note(self._events.get(timeout=max(0.0, wait_s)))
        except queue.Empty:
            return

    def _note(self, event: Result | _Wake) -> None:
        if isinstance(event, Result):
            self._unsettled.append(event)
            self._mean_seconds = smoothed_mean(self._mean_seconds, event.seconds)

    def _settle(self) -> None:
        # Successes together, failures one by one. What is written leaves the list at once: when
        # the database goes away in between, nothing is reported twice.
        while self._unsettled:
            succeeded = [result for result in self._unsettled if result.error is None]
            failed = [result for result in self._unsettled if result.error is not None]
            batch, rest = (succeeded, failed) if succeeded else (failed[:1], failed[1:])
            settled = settle(batch, using=self.using)
            self._unsettled = rest
            self._let_go([result.job for result in batch])
            self.report.settled += settled
            self._on_settled(settled)

    def _let_go(self, jobs: Sequence[OutboxJob]) -> None:
        self._heartbeat.drop(jobs)
        for job in jobs:
            self._held.pop(job.pk, None)

    def _rescue(self) -> None:
        if time.monotonic() >= self._rescue_at:
            rescue_expired(using=self.using)
            self._rescue_at = time.monotonic() + _RESCUE_EVERY_SECONDS

    def _outage_wait(self, error: Exception) -> float:
        """Log the outage, drop the connection and return how long to wait, in seconds."""
        if self._table_is_missing():
            raise SetupError(
                f"Table {OutboxJob._meta.db_table!r} is missing in database {self.using!r}: run "
                "'manage.py migrate' first."
            ) from error
        wait_s: float = min(_LONGEST_OUTAGE_WAIT_SECONDS, 0.1 * 2 ** min(self._outages, 10))
        wait_s *= random.uniform(0.5, 1.0)  # noqa: S311
        logger.warning(
            "worker=%s database=%s outage=%s next look in %.1f s: %s",
            self.name,
            self.using,
            self._outages,
            wait_s,
            error,
        )
        connections[self.using].close()
        return wait_s

    def _table_is_missing(self) -> bool:
        connection = connections[self.using]
        try:
            return OutboxJob._meta.db_table not in connection.introspection.table_names()
        except (DatabaseError, InterfaceError):
            return False  # it does not answer at all, and that passes

    def _shut_down(self) -> None:
        """Give back what was not begun, wait for what runs, write down what there is."""
        self._release(self._threads.take_waiting(), reason="")
        self._threads.end()
        deadline = time.monotonic() + self.options.grace_seconds
        while self._is_running() and not self._stopping_now and time.monotonic() < deadline:
            self._receive(deadline - time.monotonic())
            self._try_to_settle()
        self._try_to_settle()
        self._release(list(self._held.values()), reason=_STOPPED)
        self._threads.join(timeout_seconds=0.0 if self._held else 1.0)

    def _is_running(self) -> bool:
        return len(self._held) > len(self._unsettled)

    def _try_to_settle(self) -> None:
        try:
            self._settle()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("worker=%s could not settle: %s", self.name, error)
            connections[self.using].close()

    def _release(self, jobs: Sequence[OutboxJob], *, reason: str) -> None:
        if not jobs:
            return
        try:
            self.report.returned += give_back(jobs, using=self.using, reason=reason)
        except (DatabaseError, InterfaceError) as error:
            # Not lost: the lease ends, and another worker takes them.
            logger.warning("worker=%s could not return %s jobs: %s", self.name, len(jobs), error)
        self._let_go(jobs)
