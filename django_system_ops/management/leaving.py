"""The end of a process in which something hangs."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from django_opskit.commands import ExitStatus

__all__ = ["leaving_what_hangs"]


@contextmanager
def leaving_what_hangs(hangs: Callable[[], object]) -> Iterator[None]:
    """
    Let a program end by its exit status at once, when ``hangs`` says that something still does.

    The interpreter's own end waits for threads that are no daemons, which what hangs may have
    started, and for the streams, which it may hold. All that the program had to say is out then.
    """
    try:
        yield
    except SystemExit as stop:
        if hangs():
            _leave(stop.code)
        raise
    if hangs():
        _leave(ExitStatus.DONE)


def _leave(code: object) -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a reader that left, a stream that was closed
            stream.flush()
    os._exit(code if isinstance(code, int) else ExitStatus.DONE if code is None else 1)
