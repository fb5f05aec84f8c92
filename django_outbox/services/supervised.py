"""A worker's side of the pipe through which its supervisor speaks."""

import os
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum

__all__ = ["PIPE_VARIABLE", "Order", "obey_supervisor"]

#: The environment variable that holds the number of the pipe's descriptor.
PIPE_VARIABLE = "DJANGO_OUTBOX_SUPERVISOR_PIPE"


class Order(Enum):
    """What a supervisor may ask of its child, one byte each; the end of the pipe is a stop."""

    STOP = b"s"
    STOP_NOW = b"n"


def obey_supervisor(*, stop: Callable[[], None], stop_now: Callable[[], None]) -> bool:
    """
    Do what the supervisor says, from a thread, until it is gone; False when there is none.

    The variable is taken out of the environment: the programs that a handler starts have
    another file under that number.
    """
    text = os.environ.pop(PIPE_VARIABLE, "")
    if not text.isdecimal():
        return False
    pipe = int(text)
    try:
        if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
            return False
        os.set_inheritable(pipe, False)
    except OSError:
        return False

    def listen() -> None:
        with suppress(OSError):
            while order := os.read(pipe, 1):
                stop_now() if order == Order.STOP_NOW.value else stop()
        stop()

    threading.Thread(target=listen, name="outbox-supervisor-pipe", daemon=True).start()
    return True
