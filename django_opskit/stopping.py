"""SIGTERM and SIGINT as a polite request, then as an order."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Terminated", "on_stop_signals", "terminate_as_interrupt"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Terminated(KeyboardInterrupt):
    """SIGTERM reached a command that is no loop: it unwinds as Ctrl-C would unwind it."""


def _on_main_thread() -> bool:
    # Python delivers signals to the main thread and refuses to set handlers elsewhere.
    return threading.current_thread() is threading.main_thread()


@contextmanager
def on_stop_signals(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """
    Call ``first`` at the first SIGTERM or SIGINT and ``second`` at each one after it.

    Both run between two bytecodes of the main thread: they may set flags and put into a
    ``queue.SimpleQueue``, and must not take locks. Off the main thread nothing is installed.
    """
    if not _on_main_thread():
        yield
        return
    asked = False

    def handle(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            second()
        else:
            asked = True
            first()

    previous = [(number, signal.signal(number, handle)) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in previous:
            signal.signal(number, handler)


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Make SIGTERM raise :class:`Terminated`, so that transactions roll back and files close."""
    if not _on_main_thread():
        yield
        return

    def handle(signum: int, frame: FrameType | None) -> None:
        raise Terminated

    previous = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
