"""
The worker: claims jobs, lets threads run them, writes down how they ended.

One thread, the caller of :meth:`Worker.run`, does all of that and never runs a handler: those
run on :class:`HandlerThreads`. A :class:`Supply` claims for them, a :class:`Ledger` knows what is
held and what is still to be written down, a :class:`Heartbeat` extends the leases, a
:class:`Presence` shows that the worker lives and hears of new jobs. What wakes the worker comes
through one queue: results, news, and requests to stop.

Results are written down while the handlers of the next jobs run.

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

from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Result
from django_outbox.services.claiming import QueueRota, warn_of_undeclared_queues
from django_outbox.services.forecast import seconds_until_due
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.identity import worker_name
from django_outbox.services.ledger import Ledger
from django_outbox.services.outage import outage_wait
from django_outbox.services.presence import Presence
from django_outbox.services.registry import registry
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import Settled
from django_outbox.services.setup import WorkerOptions
from django_outbox.services.supply import PATIENCE_SECONDS, Supply
from django_outbox.services.threads import HandlerThreads

__all__ = ["Worker", "WorkerOptions", "WorkerReport"]

logger = logging.getLogger(__name__)

_RESCUE_EVERY_SECONDS = 1.0
# The first wait of a worker that nobody tells of new jobs; each one after it is twice as long.
_FIRST_LOOK_SECONDS = 0.02
_AFTER_DUE_SECONDS = 0.001
# How long a result may wait for others while there is more to do.
_GATHER_SECONDS = 0.02
_GATHERED_BATCHES = 2
# How long a result waits that met a conflict.
_POSTPONED_SECONDS = 0.1
# Python's queues refuse to wait for ever: a long wait is many of these.
_LONGEST_WAIT_SECONDS = 3600.0
# What a worker needs to write down its state at the end, when its database answers.
_FAREWELL_SECONDS = 5.0
# How long a worker that stops waits for a database that is away.
_LAST_TRY_SECONDS = 2.0
_STOPPED = "The worker was stopped while the job ran, and the grace period was over."


class _Wake(Enum):
    STOP = auto()
    NEWS = auto()
    RESULT = auto()
    RESULTS = auto()


@dataclass
class WorkerReport:
    """What a worker has done so far."""

    settled: Settled = field(default_factory=Settled)
    returned: int = 0


class Worker:
    """
    Runs jobs until it is told to stop.

    ``run`` blocks; ``stop`` and ``stop_now`` may be called from any thread or signal handler.
    ``on_settled`` is called after each batch of results, ``on_results`` with the results that
    were written down and ``on_look`` after each successful look at the database; all of them on
    the thread of ``run``.
    """

    def __init__(
        self,
        options: WorkerOptions,
        *,
        using: str | None = None,
        on_settled: Callable[[Settled], None] | None = None,
        on_results: Callable[[Sequence[Result]], None] | None = None,
        on_look: Callable[[], None] | None = None,
    ) -> None:
        conf = get_conf()
        self.options = options
        self.using = using or router.db_for_write(OutboxJob)
        self.name = worker_name()
        self.queues = list(options.queues) or list(conf.QUEUES)
        self.report = WorkerReport()
        self._on_settled = on_settled or (lambda settled: None)
        self._on_look = on_look or (lambda: None)
        # SimpleQueue.put is reentrant: a signal handler may call it in the middle of a get.
        self._events: queue.SimpleQueue[_Wake] = queue.SimpleQueue()
        self._threads = HandlerThreads(
            options.concurrency,
            using=self.using,
            on_results=lambda urgent: self._events.put(_Wake.RESULTS if urgent else _Wake.RESULT),
        )
        timing = {
            "lease_seconds": options.lease_seconds,
            "every_seconds": options.heartbeat_seconds,
        }
        self._heartbeat = Heartbeat(
            self.name, using=self.using, on_lost=self._threads.lose, **timing
        )
        self._presence = Presence(
            self.name,
            queues=self.queues,
            concurrency=options.concurrency,
            using=self.using,
            with_lock=conf.LIVENESS_LOCKS,
            with_news=conf.WAKE_UP,
            on_news=self._hear,
            **timing,
        )
        self._ledger = Ledger(
            self.name, heartbeat=self._heartbeat, using=self.using, on_results=on_results
        )
        rota = QueueRota(
            self.queues, worker=self.name, lease_seconds=options.lease_seconds, using=self.using
        )
        self._supply = Supply(rota, self._threads, self._ledger, max_jobs=options.max_jobs)
        self._has_lanes = any(conf.QUEUES[name].LANES for name in self.queues)
        self._listener_error: Exception | None = None
        self._rescue_at = 0.0
        self._outages = 0
        self._is_new = True
        self._has_news = False
        self._idle_looks = 0
        self._is_gathering = False
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
        with self._heartbeat, self._presence:
            try:
                while not self._stopping:
                    self._tick_or_wait()
            finally:
                self._shut_down()
        if self._listener_error is not None:
            raise self._listener_error
        return self.report

    def _hear(self) -> None:
        """Look for jobs soon; called by other threads."""
        # One event stands for all news that come before the look.
        if not self._has_news:
            self._has_news = True
            self._events.put(_Wake.NEWS)

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
        if self._outages:
            # Our own leases may have run out meanwhile: extend them before anyone rescues them,
            # and before more work comes that could not be written down either.
            self._settle()
            self._heartbeat.beat()
        if self._is_new:
            warn_of_undeclared_queues(using=self.using)
            self._is_new = False
        # News that come from here on may be of jobs that the claim does not see.
        self._has_news = False
        if self._supply.is_careful:
            self._settle()
        claimed = self._supply.claim()
        # While the handlers of the new jobs run. The end of a job may be what a lane waits for.
        self._is_gathering = bool(claimed) and self._can_gather()
        if not self._is_gathering and self._settle() and self._has_lanes and not claimed:
            claimed = self._supply.claim()
        self._supply.unblock()
        # Behind the claim: the jobs that are due need not wait for it.
        rescued = self._rescue()
        self._on_look()
        if rescued:
            return
        has_seen_all = not claimed and not self._supply.may_find_more
        if self.options.drain and has_seen_all and self._ledger.is_empty:
            self._stopping = True
            return
        self._idle_looks = 0 if claimed else self._idle_looks + 1
        self._receive(self._wait_seconds())

    def _can_gather(self) -> bool:
        """
        Say whether results can wait for those of the jobs that were just claimed.

        Each report waits for the disk, as a rule: two batches of quick jobs share one wait.
        """
        if self._has_lanes or self._supply.is_careful:
            return False
        few = _GATHERED_BATCHES * self.options.max_jobs
        return self._ledger.has_few_results(few, seconds=_GATHER_SECONDS)

    def _wait_seconds(self) -> float:
        """Return when to look again if nothing happens before."""
        wait_s = self.options.poll_seconds
        if self._supply.has_waiting:
            wait_s = min(wait_s, PATIENCE_SECONDS)
        if self._ledger.has_results:
            return min(wait_s, _GATHER_SECONDS if self._is_gathering else _POSTPONED_SECONDS)
        if self._supply.is_full:
            return wait_s
        if self._supply.may_find_more:
            return 0.0
        if self._presence.looks_often:
            wait_s = min(wait_s, _FIRST_LOOK_SECONDS * 2 ** min(self._idle_looks, 16))
        # Jitter, so that many idle workers do not ask the database at the same moment.
        wait_s *= random.uniform(0.9, 1.1)  # noqa: S311
        if self._idle_looks and wait_s > _FIRST_LOOK_SECONDS:
            due_s = seconds_until_due(self.queues, using=self.using)
            if due_s == 0:
                # It is due and could not be had: somebody has locked it, for a moment or an hour.
                due_s = _FIRST_LOOK_SECONDS * 2 ** min(self._idle_looks, 16)
            # Just after it is due, since before there would be nothing to see.
            wait_s = min(wait_s, math.inf if due_s is None else due_s + _AFTER_DUE_SECONDS)
        return wait_s

    def _receive(self, timeout_seconds: float) -> None:
        """Wait for something that asks for a look."""
        deadline = time.monotonic() + timeout_seconds
        try:
            while True:
                left = deadline - time.monotonic()
                event = self._events.get(timeout=max(0.0, min(left, _LONGEST_WAIT_SECONDS)))
                if event is _Wake.RESULT or (event is _Wake.RESULTS and self._supply.has_enough):
                    # More are on their way: one statement shall write them all down.
                    deadline = min(deadline, time.monotonic() + _GATHER_SECONDS)
                elif event is not _Wake.NEWS or self._supply.is_short:
                    # Where nobody is free to run what is new, the results to come lead to a look.
                    break
        except queue.Empty:
            return

    def _settle(self) -> int:
        """Write down the results there are; return how many."""
        # Once more: what came in during the claim goes into the same statement.
        self._supply.note_results()
        if not self._ledger.has_results:
            return 0
        settled = Settled()
        try:
            for part in self._ledger.settle():
                settled += part
        finally:
            if settled.total:
                self._tell(settled)
        return settled.total

    def _tell(self, settled: Settled) -> None:
        self.report.settled += settled
        try:
            self._on_settled(settled)
        except Exception as error:  # noqa: BLE001  # raised again at the end of run()
            self._listener_error = error
            self.stop()

    def _rescue(self) -> int:
        """Let jobs come back whose leases are over; return how many, 0 between two looks."""
        if time.monotonic() < self._rescue_at:
            return 0
        spare = [job_id for job_id, _ in self._ledger.keys]
        rescued = rescue_expired(using=self.using, spare=spare)
        self._rescue_at = time.monotonic() + _RESCUE_EVERY_SECONDS
        return rescued.total

    def _shut_down(self) -> None:
        """Give back what was not begun, wait for what runs, write down what there is."""
        self.report.returned += self._ledger.release(self._threads.take_waiting(), reason="")
        self._threads.end()
        deadline = time.monotonic() + self.options.grace_seconds
        # First of all: what came in during an outage has been told already.
        self._try_to_settle()
        while not (self._ledger.is_empty or self._stopping_now) and time.monotonic() < deadline:
            if not self._ledger.unfinished:
                # Only a database that does not answer is left to be waited for, a moment.
                deadline = min(deadline, time.monotonic() + _LAST_TRY_SECONDS)
            left = deadline - time.monotonic()
            self._receive(min(left, 0.5) if self._ledger.has_results else left)
            self._try_to_settle()
        self._try_to_settle()
        is_running = self._ledger.unfinished > 0
        # What can be ended from outside ends: processes and coroutines.
        self._threads.lose(self._ledger.keys)
        self.report.returned += self._ledger.release(reason=_STOPPED)
        self._threads.join(timeout_seconds=0.0 if is_running else 1.0)

    def _try_to_settle(self) -> None:
        try:
            self._settle()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("worker=%s could not settle: %s", self.name, error)
            connections[self.using].close()
