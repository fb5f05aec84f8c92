"""Several jobs beside each other, each with its own connection to the database."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import connections

__all__ = ["Brake", "Jobs", "jobs_for", "work_off"]

P = TypeVar("P")


@dataclass
class Brake:
    """
    Asked before each batch whether to go on.

    Attributes:
        check: raises when the run has to end at once; the lock is lost.
        is_over: whether its time is over.
    """

    check: Callable[[], None]
    is_over: Callable[[], bool]
    #: Whether something is left undone because the time was over.
    has_cut: bool = False
    _pulled: threading.Event = field(default_factory=threading.Event)

    def goes_on(self) -> bool:
        """Return whether another batch may begin."""
        if self._pulled.is_set():
            return False
        self.check()
        if self.is_over():
            self.has_cut = True
            return False
        return True

    def pull(self) -> None:
        """Let no other batch begin."""
        self._pulled.set()


@dataclass(frozen=True)
class Jobs:
    """How many jobs, why not as many as wanted, and whether they have threads of their own."""

    count: int
    reason: str = ""
    in_threads: bool = True


def jobs_for(using: str, wanted: int, *, keys_are_numbers: bool) -> Jobs:
    """Return how many jobs there can be on a database."""
    connection: Any = connections[using]
    is_lite = connection.vendor == "sqlite"
    if connection.in_atomic_block or (is_lite and connection.is_in_memory_db()):
        # Another connection would not see what this one does.
        return Jobs(1, "it runs inside a transaction" if wanted > 1 else "", in_threads=False)
    if wanted > 1 and is_lite:
        return Jobs(1, "SQLite has one writer")
    if wanted > 1 and not keys_are_numbers:
        return Jobs(1, "its keys are not numbers, which could be shared out")
    return Jobs(wanted)


def work_off(
    pieces: Iterable[P], work: Callable[[Iterable[P]], None], jobs: Jobs, brake: Brake
) -> None:
    """
    Let each job call ``work`` with the pieces that it takes one by one from the common heap.

    The first error stops all jobs at their next batch and is raised when they have stopped. So
    does an interrupt: what a job has begun it ends.
    """
    heap = _Heap(pieces)
    if not jobs.in_threads:
        work(heap)
        return
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work(heap)
        except BaseException as error:  # noqa: BLE001  # raised below, in the thread that waits
            errors.append(error)
            brake.pull()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, name=f"cleanup-{n}") for n in range(jobs.count)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        brake.pull()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        raise
    if errors:
        raise errors[0]


class _Heap(Iterator[P]):
    """Gives each piece to one of those that ask."""

    def __init__(self, pieces: Iterable[P]) -> None:
        self._pieces = iter(pieces)
        self._lock = threading.Lock()

    def __iter__(self) -> "_Heap[P]":
        return self

    def __next__(self) -> P:
        with self._lock:
            return next(self._pieces)
