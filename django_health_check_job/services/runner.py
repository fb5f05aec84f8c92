"""
Run checks at the same time, each with its own deadline, and none twice at once.

A check runs in a thread of its own, or on the one loop thread when it is async. Its deadline counts
from the moment it begins, so that waiting for a free thread is nobody's failure. Python cannot end
a thread: a check that passes its deadline is given up, keeps its thread, and is not started again
until it has ended. Such a check takes no one's place: only those that are in time are counted.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connections
from django.utils import timezone

from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.probes.spec import CheckSpec
from django_health_check_job.services.loop_thread import LoopThread
from django_health_check_job.services.verdict import Verdict

__all__ = ["Runner"]


@dataclass(eq=False)
class _Run:
    """One start of one check."""

    spec: CheckSpec
    key: Any
    submitted: float
    #: Set by whoever runs it, on the runner's clock; None while it waits.
    begun: float | None = None
    started_at: datetime | None = None
    loop: LoopThread | None = None
    handle: Any = None

    def deadline(self) -> float:
        since = self.submitted if self.begun is None else self.begun
        return since + self.spec.timeout_seconds

    def outcome(self, verdict: Verdict, seconds: float) -> Outcome:
        return Outcome(
            name=self.spec.name,
            slug=self.spec.slug,
            state=verdict.state,
            message=verdict.message,
            started_at=self.started_at or timezone.now(),
            duration_seconds=seconds,
            critical=self.spec.critical,
        )


@dataclass
class _Ended:
    """What the thread of a run reports."""

    run: _Run
    verdict: Verdict
    seconds: float = 0.0


@dataclass
class Runner:
    """
    Starts checks and collects what came of them; used by one thread.

    Args:
        max_threads: how many checks may run in threads at the same time.
    """

    max_threads: int = 64
    clock: Callable[[], float] = time.monotonic
    _events: "queue.SimpleQueue[_Ended | None]" = field(default_factory=queue.SimpleQueue)
    _waiting: deque[_Run] = field(default_factory=deque)
    _running: dict[str, _Run] = field(default_factory=dict)
    _hung: dict[str, _Run] = field(default_factory=dict)
    _async_names: set[str] = field(default_factory=set)
    _done_at_once: list[tuple[Any, Outcome]] = field(default_factory=list)
    _loop: LoopThread | None = None

    def submit(self, spec: CheckSpec, key: Any) -> bool:
        """
        Let a check run; :meth:`collect` gives its outcome with ``key``.

        Returns:
            False when its last run is still under way and in time: there will be no outcome.
        """
        if spec.name in self._hung:
            self._done_at_once.append((key, self._still_running(spec)))
            return True
        if spec.name in self._running or any(run.spec.name == spec.name for run in self._waiting):
            return False
        self._waiting.append(_Run(spec, key, self.clock()))
        self._start_waiting()
        return True

    def wake(self) -> None:
        """Let :meth:`collect` return; may be called from any thread and from a signal handler."""
        self._events.put(None)

    @property
    def hung(self) -> list[str]:
        """Return the checks that were given up and have not ended."""
        return sorted(self._hung)

    @property
    def is_idle(self) -> bool:
        """Return whether no outcome is to come."""
        return not (self._waiting or self._running or self._done_at_once)

    def collect(self, timeout_seconds: float | None) -> list[tuple[Any, Outcome]]:
        """
        Wait until a check has ended, or passes its deadline, or :meth:`wake` is called.

        Args:
            timeout_seconds: longest wait; None for as long as it takes.
        """
        ended, self._done_at_once = self._done_at_once, []
        wait = 0.0 if ended else self._until_next_deadline(timeout_seconds)
        try:
            event = self._events.get(timeout=wait)
            while True:
                if event is not None:
                    ended += self._end(event)
                event = self._events.get_nowait()
        except queue.Empty:
            pass
        ended += self._give_up_late()
        self._start_waiting()
        return ended

    def close(self) -> None:
        """Stop the loop thread; threads that hang are left behind, as daemons."""
        if self._loop is not None:
            self._loop.stop()
            self._loop = None

    def _until_next_deadline(self, timeout_seconds: float | None) -> float | None:
        deadlines = [run.deadline() for run in self._running.values()]
        if not deadlines:
            return timeout_seconds
        wait = max(0.0, min(deadlines) - self.clock())
        return wait if timeout_seconds is None else min(wait, timeout_seconds)

    def _start_waiting(self) -> None:
        in_threads = sum(run.loop is None for run in self._running.values())
        while self._waiting:
            run = self._waiting[0]
            is_async = run.spec.name in self._async_names
            if not is_async and in_threads >= self.max_threads:
                return
            self._waiting.popleft()
            run.submitted = self.clock()
            self._running[run.spec.name] = run
            if is_async:
                self._start_on_loop(run)
                continue
            in_threads += 1
            thread = threading.Thread(
                target=self._run_in_thread, args=(run,), name=f"check {run.spec.slug}", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                verdict = Verdict(State.UNKNOWN, "not run: this process cannot start a thread")
                self._events.put(_Ended(run, verdict))

    def _run_in_thread(self, run: _Run) -> None:
        # What the finally reports when something leaves in a way that nobody foresaw.
        verdict = Verdict(State.DOWN, "ended without a word")
        run.started_at, run.begun = timezone.now(), self.clock()
        is_handed_on = False
        try:
            probe = run.spec.make()
            if probe.is_async:
                # Made again there: a client of some loop has to be made on that loop.
                self._async_names.add(run.spec.name)
                is_handed_on = True
                return
            result = probe.run()
            assert not isinstance(result, Awaitable), "only async probes are awaited"
            verdict = Verdict.of_result(result)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # isolated from the next check
            verdict = Verdict.of_error(error)
        finally:
            if is_handed_on:
                self._events.put(_Ended(run, _HAND_ON))
            else:
                self._events.put(_Ended(run, verdict, self.clock() - run.begun))
            _close_connections()

    def _start_on_loop(self, run: _Run) -> None:
        if self._loop is None or not self._loop.is_alive:
            self._loop = LoopThread()
        run.loop = self._loop
        run.begun = None
        run.handle = run.loop.start(lambda: self._run_on_loop(run))

    async def _run_on_loop(self, run: _Run) -> None:
        verdict = Verdict(State.DOWN, "ended without a word")
        run.started_at, run.begun = timezone.now(), self.clock()
        try:
            result = run.spec.make().run()
            verdict = Verdict.of_result(await result if isinstance(result, Awaitable) else result)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # isolated from the next check
            verdict = Verdict.of_error(error)
        finally:
            self._events.put(_Ended(run, verdict, self.clock() - run.begun))

    def _end(self, event: _Ended) -> list[tuple[Any, Outcome]]:
        run = event.run
        if self._hung.get(run.spec.name) is run:
            # Too late: its outcome was given when it passed its deadline.
            del self._hung[run.spec.name]
            return []
        if self._running.get(run.spec.name) is not run:
            return []
        if event.verdict is _HAND_ON:
            run.submitted = self.clock()
            self._start_on_loop(run)
            return []
        del self._running[run.spec.name]
        return [(run.key, run.outcome(event.verdict, event.seconds))]

    def _give_up_late(self) -> list[tuple[Any, Outcome]]:
        now = self.clock()
        late = [run for run in self._running.values() if run.deadline() <= now]
        return [(run.key, self._give_up(run, now)) for run in late]

    def _give_up(self, run: _Run, now: float) -> Outcome:
        name = run.spec.name
        del self._running[name]
        self._hung[name] = run
        if run.begun is None:
            # Only the loop can be that late: some check holds its thread.
            if run.loop is self._loop:
                self._loop = None
            return run.outcome(
                Verdict(State.UNKNOWN, "not run: another async check blocks the event loop"), 0.0
            )
        if run.loop is not None:
            run.loop.cancel(run.handle)
        limit = f"{run.spec.timeout_seconds:g}"
        return run.outcome(Verdict(State.DOWN, f"timed out after {limit} s"), now - run.begun)

    def _still_running(self, spec: CheckSpec) -> Outcome:
        run = self._hung[spec.name]
        seconds = self.clock() - (run.submitted if run.begun is None else run.begun)
        state = State.UNKNOWN if run.begun is None else State.DOWN
        message = f"still running after {seconds:.0f} s (its limit is {spec.timeout_seconds:g} s)"
        again = _Run(spec, None, self.clock(), started_at=timezone.now())
        return again.outcome(Verdict(state, message), seconds)


#: Reported by the thread that found out that a check is async.
_HAND_ON = Verdict(State.UNKNOWN, "handed on to the loop")


def _close_connections() -> None:
    """Close the connections that the check's code has opened in this thread."""
    for connection in connections.all(initialized_only=True):
        with suppress(Exception):  # the check has just said what is wrong with it
            connection.close()
