"""One event loop in a thread of its own, for the async checks."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = ["LoopThread"]


class LoopThread:
    """Runs coroutines until it is stopped; a check that blocks it can be left behind with it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="async checks", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Return whether it still runs what it is given."""
        return self._thread.is_alive()

    def start(self, make: Callable[[], Awaitable[None]]) -> dict[str, Any]:
        """Let ``make()`` run on the loop; the handle is for :meth:`cancel`."""
        handle: dict[str, Any] = {}

        def begin() -> None:
            handle["task"] = asyncio.ensure_future(make())

        self._loop.call_soon_threadsafe(begin)
        return handle

    def cancel(self, handle: dict[str, Any]) -> None:
        """Ask what was started to end."""

        def end() -> None:
            if task := handle.get("task"):
                task.cancel()

        with suppress(RuntimeError):  # the loop is closed: so is the task
            self._loop.call_soon_threadsafe(end)

    def stop(self) -> None:
        """Let the loop end when it can; nobody waits for it."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            pending = asyncio.all_tasks(self._loop)
            for task in pending:
                task.cancel()
            if pending:
                self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        finally:
            self._loop.close()
