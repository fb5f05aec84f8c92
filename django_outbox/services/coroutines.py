"""The event loop on which a worker's async handlers run."""

import asyncio
import concurrent.futures
import logging
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from django_outbox.services.calling import await_handler
from django_outbox.services.context import JobContext
from django_outbox.services.registry import Registration

__all__ = ["EventLoop"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_END_SECONDS = 1.0


class EventLoop:
    """
    One loop on one thread, for the async handlers of all slots; started by the first of them.

    While a handler runs on the loop, the thread of its slot waits, and does what the handler
    gives to ``sync_to_async``. So the ORM's work is done on the slot's own connection, as that
    of any other handler, and is cleaned up after in the same way.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._is_ending = False

    def call(self, registration: Registration, context: JobContext) -> Any:
        """Run an async handler; return what is to be kept of what it returned."""
        slot = _ThisThread()
        future = asyncio.run_coroutine_threadsafe(
            _await_beside(slot, registration, context), self._started()
        )
        future.add_done_callback(lambda _: slot.end())
        slot.work()
        value, error = future.result()
        if error is not None:
            raise error
        return value

    def end(self) -> None:
        """Cancel the tasks that handlers left behind, and end the thread."""
        with self._lock:
            self._is_ending = True
            if self._loop is None or self._thread is None:
                return
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_END_SECONDS)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop,), name="outbox-event-loop", daemon=True
                )
                self._thread.start()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        while not self._is_ending:
            try:
                loop.run_forever()
            except BaseException:
                # SystemExit in a task of a handler's own making comes out here.
                logger.exception("a task that a handler had started ended the event loop")
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=_END_SECONDS))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


class _ThisThread(concurrent.futures.Executor):
    """Runs what is submitted on the thread that calls :meth:`work`."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._has_ended = False

    def submit(
        self, function: Callable[..., _T], /, *args: Any, **kwargs: Any
    ) -> concurrent.futures.Future[_T]:
        """Let the thread call ``function``."""
        # Submitted and ended on the loop's thread alone, so nothing comes after the end.
        if self._has_ended:
            raise RuntimeError("The handler has returned: sync_to_async() has no thread any more.")
        future: concurrent.futures.Future[_T] = concurrent.futures.Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001  # raised where it is awaited
                    future.set_exception(error)

        self._tasks.put(call)
        return future

    def end(self) -> None:
        """Let :meth:`work` return when all is done."""
        self._has_ended = True
        self._tasks.put(None)

    def work(self) -> None:
        """Do what is submitted, until the end."""
        while (call := self._tasks.get()) is not None:
            call()


async def _await_beside(
    slot: _ThisThread, registration: Registration, context: JobContext
) -> tuple[Any, BaseException | None]:
    # asgiref looks here for the thread of a context, and would start one.
    place = ThreadSensitiveContext()
    SyncToAsync.context_to_thread_executor[place] = slot
    SyncToAsync.thread_sensitive_context.set(place)
    return await await_handler(registration, context)
