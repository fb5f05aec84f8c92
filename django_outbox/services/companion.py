"""A thread that lives as long as its worker."""

import threading
from types import TracebackType
from typing import Self

from django.db import connections

__all__ = ["Companion"]

# A statement that hangs in a dead network must not hold up the worker's exit.
_END_SECONDS = 5.0


class Companion:
    """
    A context manager whose thread runs from its beginning to its end, with connections of its own.

    Subclasses say in ``run`` what it does until :attr:`ended` is set; ``wake`` interrupts what it
    waits for then, if that is something else than ``ended``.
    """

    def __init__(self, name: str) -> None:
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.ended.set()
        self.wake()
        self._thread.join(_END_SECONDS)

    def run(self) -> None:
        """Do the work of the thread."""
        raise NotImplementedError

    def wake(self) -> None:
        """End the thread's wait."""

    def _run(self) -> None:
        try:
            self.run()
        finally:
            connections.close_all()
