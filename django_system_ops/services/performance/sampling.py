"""
Sources side by side: a sample waits for all of them, and not for ever.

Each has a thread of its own for as long as the run takes. One that is still at work when the next
sample is due is not asked again: it is reported, and what it says too late is thrown away.
"""

import queue
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from django_system_ops.engine.measuring import Measurement
from django_system_ops.services.performance.sources import Source

__all__ = ["Round", "Sampler", "unfinished"]

_threads: "weakref.WeakSet[threading.Thread]" = weakref.WeakSet()

# A signal that comes in the instant before a wait begins does not end it: its handler runs between
# two bytecodes, so there has to be a next one before long.
_LONGEST_WAIT_SECONDS = 0.5

# So long may what is going on at the end take; the process does not wait for the threads.
_FAREWELL_SECONDS = 1.0


@dataclass(frozen=True)
class Round:
    """What all sources said: figures, and the reason of each one that said nothing."""

    measurements: tuple[Measurement, ...]
    failures: dict[str, str]


@dataclass(frozen=True)
class _Answer:
    worker: "_Worker"
    measurements: tuple[Measurement, ...] = ()
    failure: str = ""


class Sampler:
    """Asks its sources whenever it is told to; used by one thread."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        timeout_seconds: float,
        sentence_of: Callable[[BaseException], str],
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._answers: queue.SimpleQueue[_Answer | None] = queue.SimpleQueue()
        self._workers = [_Worker(one, self._answers, sentence_of) for one in sources]
        self._is_stopping = False

    def wake(self) -> None:
        """End every wait, now and from now on; may be called from a signal handler."""
        self._is_stopping = True
        self._answers.put(None)

    def wait_until(self, moment: float) -> None:
        """Wait for a moment of the monotonic clock, or for :meth:`wake`."""
        while not self._is_stopping and (left := moment - time.monotonic()) > 0:
            self._take(left)

    def ask(self) -> Round | None:
        """Return what all say, after the longest wait at the latest; None when woken."""
        begun = time.monotonic()
        asked = [worker for worker in self._workers if not worker.is_busy]
        # Who has not answered the last time is not waited for again.
        for worker in asked:
            worker.ask(begun)
        while any(worker.is_busy for worker in asked) and not self._is_stopping:
            if (left := begun + self._timeout_seconds - time.monotonic()) <= 0:
                break
            self._take(left)
        if self._is_stopping:
            return None
        now = time.monotonic()
        measurements: list[Measurement] = []
        failures: dict[str, str] = {}
        for worker in self._workers:
            if worker.is_busy or worker not in asked:
                failures[worker.source.name] = f"no answer for {now - worker.asked_at:.0f} s"
            elif worker.last is not None:
                measurements += worker.last.measurements
                if worker.last.failure:
                    failures[worker.source.name] = worker.last.failure
        return Round(tuple(measurements), failures)

    def close(self) -> None:
        """Let the sources end; what hangs is left behind."""
        for worker in self._workers:
            worker.end()
        until = time.monotonic() + _FAREWELL_SECONDS
        for worker in self._workers:
            worker.thread.join(max(0.0, until - time.monotonic()))

    def _take(self, seconds: float) -> None:
        with suppress(queue.Empty):
            answer = self._answers.get(timeout=min(seconds, _LONGEST_WAIT_SECONDS))
            if answer is not None:
                answer.worker.last = answer
                answer.worker.is_busy = False


def unfinished() -> list[str]:
    """Return the threads of this process that still measure after their run."""
    return sorted(thread.name for thread in _threads if thread.is_alive())


@dataclass(eq=False)
class _Worker:
    source: Source
    answers: "queue.SimpleQueue[_Answer | None]"
    sentence_of: Callable[[BaseException], str]
    is_busy: bool = False
    asked_at: float = 0.0
    last: _Answer | None = None
    _requests: "queue.SimpleQueue[bool]" = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        name = f"measure {self.source.name}"
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)
        # Before it starts: a signal's exception may leave start() with the thread at work.
        _threads.add(self.thread)
        self.thread.start()

    def ask(self, now: float) -> None:
        self.is_busy, self.asked_at, self.last = True, now, None
        self._requests.put(True)

    def end(self) -> None:
        self._requests.put(False)

    def _run(self) -> None:
        try:
            with suppress(Exception):  # measure() will say what is wrong
                self.source.begin()
            while self._requests.get():
                self.answers.put(self._answer())
        finally:
            with suppress(Exception):
                self.source.end()

    def _answer(self) -> _Answer:
        found: list[Measurement] = []
        failure = ""
        try:
            # One by one: what was measured before a failure counts.
            for one in self.source.measure():
                found.append(one)  # noqa: PERF402
        except (Exception, SystemExit) as error:  # noqa: BLE001  # isolated from the others
            failure = self.sentence_of(error)
        return _Answer(self, tuple(found), failure)
