"""SIGTERM and SIGINT as a polite request, then as an order."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Terminated", "on_stop_signals", "terminate_as_interrupt"]


class Terminated(KeyboardInterrupt):
    """SIGTERM reached a command that is no loop: it unwinds as Ctrl-C would unwind it."""


@contextmanager
def on_stop_signals(first: Callable[[], None], second: Callable[[], None]) -> Iterator[None]:
    """
    Call ``first`` at the first SIGTERM or SIGINT and ``second`` at each one after it.

    Both run between two bytecodes of the main thread: they may set flags and put into a
    ``queue.SimpleQueue``, and must not take locks. Off the main thread nothing is installed.
    """
    asked = False

    def handle(_signum: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            second()
        else:
            asked = True
            first()

    with _handled_by(handle, signal.SIGTERM, signal.SIGINT):
        yield


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """
    Make SIGTERM raise :class:`Terminated`, so that transactions roll back and files close.

    Only the first one: the second finds the handler that stood before, by default the end of
    the process. Off the main thread nothing is installed.
    """
    before = signal.getsignal(signal.SIGTERM)

    def handle(_signum: int, _frame: FrameType | None) -> None:
        # A second exception would hit the unwinding of the first and leave it half done.
        signal.signal(signal.SIGTERM, before)
        raise Terminated

    with _handled_by(handle, signal.SIGTERM):
        yield


@contextmanager
def _handled_by(
    handler: Callable[[int, FrameType | None], None], *signals: signal.Signals
) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signals}
    # Python delivers signals to the main thread and refuses to set handlers elsewhere. A handler
    # that it reports as None is C code's (uWSGI has such); it could not be put back.
    if threading.current_thread() is not threading.main_thread() or None in before.values():
        yield
        return
    try:
        for number in signals:
            signal.signal(number, handler)
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
