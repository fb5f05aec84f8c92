"""
The worker: claims jobs, lets threads run them, writes down how they ended.

One thread, the caller of :meth:`Worker.run`, does all of that and never runs a handler: those
run on :class:`HandlerThreads`. A :class:`Heartbeat` extends the leases. What the worker has to
hear comes through one queue: results, and the wake-up of a request to stop.

The hardest failure is the database going away. Results are kept and written when it is back;
by then a lease may be over and another worker may have done the job again: at least once, which
is the promise, and the fence keeps the late result from counting.
"""

import logging
import math
import queue
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from django.db import DatabaseError, InterfaceError, connections, reset_queries, router

from django_outbox.backends.contention import is_conflict
from django_outbox.conf import get_conf
from django_outbox.engine.prefetch import prefetch, smoothed_mean
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota, warn_of_undeclared_queues
from django_outbox.services.execution import Result
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.identity import worker_name
from django_outbox.services.outage import outage_wait
from django_outbox.services.registry import registry
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import Settled, give_back, settle
from django_outbox.services.setup import WorkerOptions
from django_outbox.services.threads import HandlerThreads

__all__ = ["Worker", "WorkerOptions", "WorkerReport"]

logger = logging.getLogger(__name__)

_RESCUE_EVERY_SECONDS = 1.0
# How long a result may wait for others, so that one statement settles them all.
_GATHER_SECONDS = 0.02
# How long a result waits that met a conflict.
_POSTPONED_SECONDS = 0.1
# Python's queues refuse to wait for ever: a long wait is many of these.
_LONGEST_WAIT_SECONDS = 3600.0
# What a worker needs to write down its state at the end, when its database answers.
_FAREWELL_SECONDS = 5.0
_STOPPED = "The worker was stopped while the job ran, and the grace period was over."


class _Wake(Enum):
    STOP = auto()


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
        # By claim: a job that was lost may be claimed again before its first attempt ends.
        self._held: dict[tuple[int, int], OutboxJob] = {}
        self._unsettled: list[Result] = []
        self._listener_error: Exception | None = None
        self._mean_seconds: float | None = None
        self._rescue_at = 0.0
        self._outages = 0
        self._is_new = True
        self._stopping = False
        self._stopping_now = False
        self._ends_by = math.inf

    def stop(self) -> None:
        """Claim no more, let running handlers finish within the grace period, then return."""
        self._stopping = True
        grace_s = 0.0 if self._stopping_now else self.options.grace_seconds
        self._ends_by = min(self._ends_by, time.monotonic() + grace_s + _FAREWELL_SECONDS)
        self._events.put(_Wake.STOP)

    def stop_now(self) -> None:
        """Give running jobs back at once and return."""
        self._stopping_now = True
        self.stop()

    @property
    def is_overdue(self) -> bool:
        """Whether ``run`` should have returned after a stop: a statement hangs, then."""
        return time.monotonic() > self._ends_by

    @property
    def has_running_handlers(self) -> bool:
        """Whether some handler runs, after ``run`` too: threads cannot be ended from outside."""
        return self._threads.are_alive

    def run(self) -> WorkerReport:
        """
        Work until stopped (or, with ``drain``, until nothing is due); return what was done.

        Raises:
            SetupError: the table is missing. Every other database error is waited out.
            Exception: ``on_settled`` raised it; the worker has stopped as by :meth:`stop`.
        """
        registry.discover()
        self._threads.start()
        with self._heartbeat:
            try:
                while not self._stopping:
                    self._tick_or_wait()
            finally:
                self._shut_down()
        if self._listener_error is not None:
            raise self._listener_error
        return self.report

    def _tick_or_wait(self) -> None:
        try:
            self._tick()
            self._outages = 0
        except (DatabaseError, InterfaceError) as error:
            self._outages += 1
            wait_s = outage_wait(error, self._outages, worker=self.name, using=self.using)
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
        if self._is_new:
            warn_of_undeclared_queues(using=self.using)
            self._is_new = False
        self._rescue()
        claimed = self._claim()
        if not self._held and self.options.drain:
            self._stopping = True
            return
        wait_s = self.options.poll_seconds
        if self._unsettled:
            wait_s = min(wait_s, _POSTPONED_SECONDS)
        elif not claimed:
            # Jitter, so that many idle workers do not ask the database at the same moment.
            wait_s *= random.uniform(0.9, 1.1)  # noqa: S311
        self._receive(wait_s)

    def _claim(self) -> int:
        """Fill up when the threads are about to run dry; return how many jobs came."""
        unfinished = len(self._held) - len(self._unsettled)
        free = self.options.concurrency - (unfinished - self._threads.waiting)
        if self._threads.waiting or free <= 0:
            return 0
        claimed = self._rota.claim(
            prefetch(self._mean_seconds, threads=free, limit=self.options.max_jobs)
        )
        self._held.update(((job.pk, job.claim_no), job) for job in claimed)
        self._heartbeat.hold(claimed)
        self._threads.submit(claimed)
        return len(claimed)

    def _receive(self, timeout_seconds: float) -> None:
        """Wait for something to happen, then gather what else happens right after it."""
        wait_s = timeout_seconds
        until = math.inf
        try:
            while True:
                timeout = max(0.0, min(wait_s, _LONGEST_WAIT_SECONDS))
                self._note(self._events.get(timeout=timeout))
                until = min(until, time.monotonic() + _GATHER_SECONDS)
                # While jobs wait for a thread, more results are on their way.
                gathering = self._threads.waiting and not self._stopping
                wait_s = until - time.monotonic() if gathering else 0.0
        except queue.Empty:
            return

    def _note(self, event: Result | _Wake) -> None:
        if isinstance(event, Result):
            self._unsettled.append(event)
            self._mean_seconds = smoothed_mean(self._mean_seconds, event.seconds)

    def _settle(self) -> None:
        # Successes together, failures one by one. What is written leaves the list at once: when
        # the database goes away in between, nothing is reported twice.
        total = Settled()
        succeeded = [result for result in self._unsettled if result.error is None]
        failed = [[result] for result in self._unsettled if result.error is not None]
        try:
            for batch in (succeeded, *failed):
                total += self._settle_or_postpone(batch)
        finally:
            if total.total:
                self._tell(total)

    def _settle_or_postpone(self, batch: Sequence[Result]) -> Settled:
        try:
            settled = settle(batch, using=self.using)
        except DatabaseError as error:
            # Another transaction has the key, or the rows: do something else meanwhile.
            if not is_conflict(error):
                raise
            return Settled()
        settled_now = set(map(id, batch))
        self._unsettled = [one for one in self._unsettled if id(one) not in settled_now]
        self._let_go([result.job for result in batch])
        return settled

    def _tell(self, settled: Settled) -> None:
        self.report.settled += settled
        try:
            self._on_settled(settled)
        except Exception as error:  # noqa: BLE001  # raised again at the end of run()
            self._listener_error = error
            self.stop()

    def _let_go(self, jobs: Sequence[OutboxJob]) -> None:
        self._heartbeat.drop(jobs)
        for job in jobs:
            self._held.pop((job.pk, job.claim_no), None)

    def _rescue(self) -> None:
        if time.monotonic() >= self._rescue_at:
            rescue_expired(using=self.using, spare=[job_id for job_id, _ in self._held])
            self._rescue_at = time.monotonic() + _RESCUE_EVERY_SECONDS

    def _shut_down(self) -> None:
        """Give back what was not begun, wait for what runs, write down what there is."""
        self._release(self._threads.take_waiting(), reason="")
        self._threads.end()
        deadline = time.monotonic() + self.options.grace_seconds
        while self._is_running() and not self._stopping_now and time.monotonic() < deadline:
            self._receive(deadline - time.monotonic())
            self._try_to_settle()
        self._receive(0.0)
        self._try_to_settle()
        running = self._is_running()
        self._release(list(self._held.values()), reason=_STOPPED)
        self._threads.join(timeout_seconds=0.0 if running else 1.0)

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
