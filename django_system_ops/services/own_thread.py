"""
A thread beside a command, with a database connection that is nobody else's.

What it writes is outside of the command's transaction, and the session that it holds lives until
the thread ends or the process dies. Commands give it small things to do and wait a little.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.db import connections

from django_opskit.own_connections import close_own, own_connection

__all__ = ["OwnThread"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

# So long may what is going on at the end take; the process does not wait for the thread.
_FAREWELL_SECONDS = 2.0


class OwnThread:
    """
    Does one thing after the other, and ``tick`` every ``every_seconds`` in between.

    ``tick`` must not be the last to hold what keeps the thread alive. What it raises is logged,
    and it is called again.
    """

    def __init__(
        self,
        name: str,
        *,
        using: str,
        tick: Callable[[], object],
        every_seconds: Callable[[], float],
    ) -> None:
        self._using = using
        self._tick = tick
        self._every_seconds = every_seconds
        self._tasks: queue.SimpleQueue[tuple[Future[object], Callable[[], object]] | None]
        self._tasks = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], _T], *, timeout_seconds: float | None = None) -> _T:
        """
        Return what ``function`` returns over there, or raise what it raises.

        Raises:
            TimeoutError: it was not done in time. It may be done later.
        """
        return self.begin(function).result(timeout_seconds)

    def begin(self, function: Callable[[], _T]) -> "Future[_T]":
        """Have ``function`` done over there, and do not wait for it."""
        future: Future[_T] = Future()
        self._tasks.put((future, function))  # type: ignore[arg-type]  # a Future takes any value
        return future

    def end(self, *, timeout_seconds: float = _FAREWELL_SECONDS) -> None:
        """Let it do what it was given, and hang up."""
        self._tasks.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        connections[self._using] = own_connection(self._using)
        try:
            self._work()
        finally:
            close_own(connections[self._using])

    def _work(self) -> None:
        next_tick = time.monotonic() + self._every_seconds()
        while True:
            try:
                task = self._tasks.get(timeout=max(0.0, next_tick - time.monotonic()))
            except queue.Empty:
                self._do(self._tick)
                next_tick = time.monotonic() + self._every_seconds()
                continue
            if task is None:
                return
            future, function = task
            try:
                self._forget_what_was_cut()
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001  # it is raised where it belongs
                future.set_exception(error)
            del task, future, function

    def _forget_what_was_cut(self) -> None:
        """Hang up after an error, since the server may have: the next statement connects."""
        connection = connections[self._using]
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()

    def _do(self, function: Callable[[], object]) -> None:
        try:
            self._forget_what_was_cut()
            function()
        except Exception:  # what is beside the command must not end because of one failure
            logger.warning("thread=%s failed", self._thread.name, exc_info=True)
