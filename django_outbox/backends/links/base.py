"""What a link does, and the connection that it has to itself."""

import os
import select
import weakref
from contextlib import suppress
from typing import Protocol

__all__ = ["SETTLING_SECONDS", "Interruptible", "Link"]

#: So long after its start a server knows of no lock yet, since workers are coming back.
SETTLING_SECONDS = 5


_LINKS: "weakref.WeakSet[Interruptible]" = weakref.WeakSet()


def _let_go() -> None:
    for link in list(_LINKS):
        for descriptor in link.descriptors():
            with suppress(OSError):
                os.close(descriptor)


os.register_at_fork(after_in_child=_let_go)


class Link(Protocol):
    """
    One worker's line to one database, used by one thread; only ``interrupt`` is for others.

    Every method may raise what a database raises when it is away; the link is then closed, and
    opened again later.
    """

    @property
    def brings_news(self) -> bool:
        """Whether :meth:`wait` hears of new jobs."""
        ...

    def open(self) -> None:
        """Connect."""
        ...

    def take_lock(self) -> bool:
        """Return whether the worker now holds its lock; may be asked again."""
        ...

    def wait(self, seconds: float) -> bool:
        """Return True as soon as jobs may have been enqueued, False when the time is over."""
        ...

    def interrupt(self) -> None:
        """End a ``wait`` of the other thread, now or soon."""
        ...

    def find_dead(self) -> set[str]:
        """
        Return the names of workers that ought to hold a lock and do not.

        One link of all those on a database keeps watch; the others return nothing, and one of
        them follows when it dies. A server that has just started frees every lock, so for a few
        seconds nobody is called dead.
        """
        ...

    def forget(self, worker: str) -> None:
        """Remove what a dead worker has left behind."""
        ...

    def close(self) -> None:
        """Give up the lock and the connection; the link may be opened again."""
        ...

    def end(self) -> None:
        """Close for good."""
        ...


class Interruptible:
    """
    A wait for file descriptors that another thread can end.

    ``descriptors`` are files that hold the lock. A child that a handler forks must not keep
    them: the lock would outlive the worker for as long as the child lives. Connections take care
    of themselves (:mod:`django_opskit.own_connections`).
    """

    def __init__(self) -> None:
        _LINKS.add(self)
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)

    def descriptors(self) -> list[int]:
        """Return what a fork has to let go."""
        return []

    def interrupt(self) -> None:
        """End the wait of the other thread."""
        # A full pipe is an interruption that was not heard yet; a closed one has nobody to hear.
        with suppress(BlockingIOError, OSError):
            os.write(self._write_end, b"!")

    def wait_for(self, seconds: float, *descriptors: int) -> bool:
        """Return whether one of ``descriptors`` has something to read."""
        # Not select(): it knows no descriptor beyond 1023.
        poll = select.poll()
        for descriptor in (self._read_end, *descriptors):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(max(0.0, seconds) * 1000)}
        if self._read_end in ready:
            os.read(self._read_end, 512)
        return not ready.isdisjoint(descriptors)

    def forget(self, worker: str) -> None:
        """Do nothing: a server forgets by itself."""

    def close(self) -> None:
        """Give up the lock and the connection."""
        raise NotImplementedError

    def end(self) -> None:
        """Close for good."""
        self.close()
        for descriptor in (self._read_end, self._write_end):
            with suppress(OSError):
                os.close(descriptor)
