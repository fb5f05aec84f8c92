"""The threads that run handlers."""

import queue
import threading
import time
from collections.abc import Callable

from django.db import connections

from django_outbox.models import OutboxJob
from django_outbox.services.execution import (
    Result,
    drop_dead_connections,
    execute,
    leave_connections_clean,
)

__all__ = ["HandlerThreads"]


class HandlerThreads:
    """
    Runs jobs side by side and hands each :class:`Result` to ``on_result``.

    The threads are daemons: a handler that never returns cannot keep the process from exiting.
    """

    def __init__(self, size: int, *, using: str, on_result: Callable[[Result], None]) -> None:
        self.size = size
        self._using = using
        self._on_result = on_result
        self._inbox: queue.SimpleQueue[OutboxJob | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"outbox-handler-{n}", daemon=True)
            for n in range(size)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, jobs: list[OutboxJob]) -> None:
        """Let the threads run these jobs, in this order."""
        for job in jobs:
            self._inbox.put(job)

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

    def _run(self) -> None:
        try:
            while (job := self._next()) is not None:
                result = execute(job, using=self._using)
                leave_connections_clean()
                self._on_result(result)
        finally:
            connections.close_all()

    def _next(self) -> OutboxJob | None:
        if not self._inbox.empty():
            return self._inbox.get()
        job = self._inbox.get()
        drop_dead_connections()
        return job
