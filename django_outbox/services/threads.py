"""The threads that run handlers."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Any

from django.db import connections

from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Result
from django_outbox.services.calling import call_here
from django_outbox.services.child_process import HandlerProcess
from django_outbox.services.context import JobContext
from django_outbox.services.coroutines import EventLoop
from django_outbox.services.execution import (
    attempt,
    drop_dead_connections,
    leave_connections_clean,
    log_outcome,
)
from django_outbox.services.registry import Registration

__all__ = ["HandlerThreads"]


class HandlerThreads:
    """
    Runs jobs side by side and keeps each :class:`Result` until it is taken.

    ``on_results`` is called by a thread that has a result: with False for the first one, which
    may wait for others a little, and with True when few jobs are left to begin, or none. To wake
    the taker for each short job would cost more than the job.

    Each thread is a slot. It runs plain handlers itself; for an async one it waits for the event
    loop that all slots share, and for a ``process=True`` one for a process of its own.

    The threads are daemons: a handler that never returns cannot keep the process from exiting.
    """

    def __init__(self, size: int, *, using: str, on_results: Callable[[bool], None]) -> None:
        self.size = size
        self._using = using
        self._on_results = on_results
        self._results: deque[Result] = deque()
        self._low_water = 0
        # What the taker has been told since it took some, and since it submitted some.
        self._has_told = self._has_told_of_all = self._has_told_of_low_water = False
        self._inbox: queue.SimpleQueue[OutboxJob | None] = queue.SimpleQueue()
        self._loop = EventLoop()
        self._slots = [_Slot(self._loop) for _ in range(size)]
        self._threads = [
            threading.Thread(
                target=self._run, args=(slot,), name=f"outbox-handler-{number}", daemon=True
            )
            for number, slot in enumerate(self._slots)
        ]
        # Empty until the first lease is lost, so that looking into it costs nothing.
        self._lost: frozenset[tuple[int, int]] = frozenset()
        self._last_one_out = threading.Lock()
        self._left = size

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, jobs: Iterable[OutboxJob], *, low_water: int = 0) -> None:
        """Let the threads run these jobs, in this order; ``low_water`` left ask for more."""
        self._low_water = low_water
        for job in jobs:
            self._inbox.put(job)
        self._has_told_of_low_water = False

    def take_results(self) -> list[Result]:
        """Take the results that there are."""
        # This first: what comes in behind it is told of again.
        self._has_told = self._has_told_of_all = False
        taken = []
        with suppress(IndexError):
            while True:
                taken.append(self._results.popleft())
        return taken

    def lose(self, keys: Collection[tuple[int, int]]) -> None:
        """
        Tell the handlers of these jobs, by id and claim number, that their leases are lost.

        A plain one hears of it in ``ensure_lease()``, ``set_progress()`` or its next statement
        on the jobs' database; an async one is cancelled; a process is killed. A job that no
        thread has begun is not begun. All of them come back as results with LeaseLost.
        """
        # This first: a thread that begins such a job looks here after it has shown itself.
        # Only the latest: the heartbeat names again what is still held.
        self._lost = frozenset(keys)
        for slot in self._slots:
            context = slot.context
            if context is not None and (context.job.pk, context.job.claim_no) in self._lost:
                context.lose()

    @property
    def waiting(self) -> int:
        """How many submitted jobs no thread has begun."""
        return self._inbox.qsize()

    def take_waiting(self) -> list[OutboxJob]:
        """Take back the jobs that no thread has begun."""
        taken: list[OutboxJob] = []
        while True:
            try:
                job = self._inbox.get_nowait()
            except queue.Empty:
                return taken
            if job is not None:
                taken.append(job)

    def end(self) -> None:
        """Let each thread end after the handler that it runs."""
        for _ in self._threads:
            self._inbox.put(None)

    def join(self, timeout_seconds: float) -> None:
        """Wait for idle threads to close their connections; the time is that of all together."""
        deadline = time.monotonic() + timeout_seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def are_alive(self) -> bool:
        """Whether any thread has not ended."""
        return any(thread.is_alive() for thread in self._threads)

    def _run(self, slot: "_Slot") -> None:
        try:
            while (job := self._next()) is not None:
                slot.context = context = JobContext(job, self._using)
                if self._lost and (job.pk, job.claim_no) in self._lost:
                    context.lose()
                result = attempt(context, call=slot.call)
                slot.context = None
                if result.error is not None:
                    log_outcome(result)
                leave_connections_clean()
                self._results.append(result)
                self._tell()
        finally:
            connections.close_all()
            slot.end()
            self._leave()

    def _tell(self) -> None:
        # Two threads may tell the same: the taker looks once more than it has to.
        waiting = self._inbox.qsize()
        if waiting > self._low_water or (waiting and self._has_told_of_low_water):
            if not self._has_told:
                self._has_told = True
                self._on_results(False)
        elif waiting:
            self._has_told = self._has_told_of_low_water = True
            self._on_results(True)
        elif not self._has_told_of_all:
            self._has_told = self._has_told_of_all = True
            self._on_results(True)

    def _leave(self) -> None:
        with self._last_one_out:
            self._left -= 1
            if not self._left:
                self._loop.end()

    def _next(self) -> OutboxJob | None:
        if not self._inbox.empty():
            return self._inbox.get()
        job = self._inbox.get()
        drop_dead_connections()
        return job


class _Slot:
    """What one thread runs at the moment, and where."""

    def __init__(self, loop: EventLoop) -> None:
        self.context: JobContext | None = None
        self._loop = loop
        self._process = HandlerProcess()

    def call(self, registration: Registration, context: JobContext) -> Any:
        """Run a handler where its registration wants it."""
        if registration.process:
            return self._process.call(registration, context)
        if registration.is_async:
            return self._loop.call(registration, context)
        return call_here(registration, context)

    def end(self) -> None:
        """End what belongs to the slot."""
        self._process.end()
