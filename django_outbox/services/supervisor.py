"""
Several workers, each a process: started, watched, started again, stopped together.

Each child has the reading end of a pipe of its own. Through it the supervisor says what to do,
since a signal may reach a child twice: systemd and a terminal send it to the whole group, and a
second one would not let handlers finish. When the supervisor dies, however it dies, the pipe
ends, and the child stops as if it had been asked to.
"""

import logging
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from django_outbox.services.health import HealthFile
from django_outbox.services.supervised import PIPE_VARIABLE, Order

__all__ = ["ChildEvent", "Supervisor", "SupervisorOptions", "SupervisorReport"]

logger = logging.getLogger(__name__)

_LONGEST_PAUSE_SECONDS = 30.0
# A child that lived so long died of something new.
_LONG_LIFE_SECONDS = 60.0
# What a child needs beyond its grace period to write down its state and leave.
_FAREWELL_SECONDS = 15.0
# While it starts, a child has no handler of its own for the signals that a whole group gets.
_CLEAN = (0, -signal.SIGTERM, -signal.SIGINT)
_HEALTH_EVERY_SECONDS = 1.0
# A child's file may be as old as the wait between two looks, and this.
_HEALTH_SLACK_SECONDS = 10.0


class _Request(Enum):
    STOP = auto()
    STOP_NOW = auto()


@dataclass(frozen=True)
class SupervisorOptions:
    """
    How many children, and how each is started.

    Attributes:
        command: returns the command line of the child with a number, from 0.
        environment: of each child.
        drain: a child that ends well is not started again.
        grace_seconds: how long a child may take to stop, and some seconds more.
        poll_seconds: how long a child may wait between two looks.
        health_file: the children's are ``FILE.0``, ``FILE.1`` …; this one is all of theirs.
    """

    processes: int
    command: Callable[[int], Sequence[str]]
    environment: dict[str, str]
    drain: bool
    grace_seconds: float
    poll_seconds: float
    health_file: Path | None = None


@dataclass(frozen=True)
class ChildEvent:
    """Something about a child: ``event`` is ``child_started`` or ``child_ended``."""

    event: str
    child: int
    pid: int
    status: int | None = None
    restart_seconds: float | None = None


@dataclass
class SupervisorReport:
    """What happened: children started, those that ended by themselves, and those killed."""

    started: int = 0
    died: int = 0
    killed: int = 0
    #: Whether every child that was asked to stop did so by itself.
    is_clean: bool = True


@dataclass
class _Child:
    number: int
    process: subprocess.Popen[bytes] | None = None
    pipe: int = -1
    started_at: float = 0.0
    start_at: float = 0.0
    deaths: int = 0
    is_done: bool = False
    orders: list[Order] = field(default_factory=list)


class Supervisor:
    """
    Runs workers until told to stop, or with ``drain`` until all have ended.

    ``run`` blocks; ``stop`` and ``stop_now`` may be called from any thread or signal handler.
    ``on_child`` is called on the thread of ``run``.
    """

    def __init__(
        self, options: SupervisorOptions, *, on_child: Callable[[ChildEvent], None]
    ) -> None:
        self.options = options
        self.report = SupervisorReport()
        self._on_child = on_child
        self._events: queue.SimpleQueue[_Request | tuple[_Child, int]] = queue.SimpleQueue()
        self._children = [_Child(number) for number in range(options.processes)]
        self._health = HealthFile(options.health_file) if options.health_file else None
        self._is_stopping = False
        self._kill_at = 0.0

    def stop(self) -> None:
        """Let every child finish what it runs, within its grace period."""
        self._events.put(_Request.STOP)

    def stop_now(self) -> None:
        """Let every child give back what it runs."""
        self._events.put(_Request.STOP_NOW)

    def run(self) -> SupervisorReport:
        """Start the children and watch them; return when the last one has ended."""
        try:
            while any(not child.is_done for child in self._children):
                self._start_those_whose_time_has_come()
                self._watch_health()
                self._receive()
                if self._is_stopping and time.monotonic() > self._kill_at:
                    self._kill()
        finally:
            # Whatever went wrong here: no child is left without somebody who watches it.
            for child in self._children:
                self._close_pipe(child)
            if self._health is not None:
                self._health.remove()
        return self.report

    def _receive(self) -> None:
        """Wait for news, no longer than something else needs to be done."""
        now = time.monotonic()
        waits = [
            child.start_at - now
            for child in self._children
            if child.process is None and not child.is_done
        ]
        if self._health is not None:
            waits.append(_HEALTH_EVERY_SECONDS)
        if self._is_stopping:
            waits.append(self._kill_at - now)
        try:
            event = self._events.get(timeout=max(0.0, min(waits)) + 0.001 if waits else None)
        except queue.Empty:
            return
        if isinstance(event, _Request):
            self._ask(event)
        else:
            self._note_end(*event)

    def _start_those_whose_time_has_come(self) -> None:
        for child in self._children:
            is_waiting = child.process is None and not child.is_done
            if is_waiting and child.start_at <= time.monotonic():
                self._start(child)

    def _start(self, child: _Child) -> None:
        reading, child.pipe = os.pipe()
        try:
            child.process = subprocess.Popen(  # noqa: S603  # our own command line
                list(self.options.command(child.number)),
                stdin=subprocess.DEVNULL,
                env={**self.options.environment, PIPE_VARIABLE: str(reading)},
                pass_fds=[reading],
            )
        except OSError as error:
            # No memory, or too many processes: that passes.
            logger.error("child=%s could not be started: %s", child.number, error)
            self._close_pipe(child)
            self._plan_restart(child)
            return
        finally:
            os.close(reading)
        child.started_at = time.monotonic()
        self.report.started += 1
        waiter = threading.Thread(
            target=self._await_end,
            args=(child, child.process),
            name=f"outbox-child-{child.number}",
            daemon=True,
        )
        waiter.start()
        self._on_child(ChildEvent("child_started", child.number, child.process.pid))

    def _await_end(self, child: _Child, process: subprocess.Popen[bytes]) -> None:
        self._events.put((child, process.wait()))

    def _note_end(self, child: _Child, status: int) -> None:
        assert child.process is not None
        pid, child.process = child.process.pid, None
        self._close_pipe(child)
        pause_s: float | None = None
        if self._is_stopping:
            child.is_done = True
            self.report.is_clean = self.report.is_clean and status in _CLEAN
        elif self.options.drain and status == 0:
            child.is_done = True
        else:
            self.report.died += 1
            if time.monotonic() - child.started_at > _LONG_LIFE_SECONDS:
                child.deaths = 0
            pause_s = self._plan_restart(child)
            logger.warning(
                "child=%s pid=%s ended with status %s, next start in %.1f s",
                child.number,
                pid,
                status,
                pause_s,
            )
        self._on_child(ChildEvent("child_ended", child.number, pid, status, pause_s))

    def _plan_restart(self, child: _Child) -> float:
        # The first time at once, almost: its jobs are waiting.
        pause_s = min(_LONGEST_PAUSE_SECONDS, 0.25 * 2.0 ** min(child.deaths, 10))
        child.deaths += 1
        child.start_at = time.monotonic() + pause_s
        return pause_s

    def _ask(self, request: _Request) -> None:
        grace_s = self.options.grace_seconds if request is _Request.STOP else 0.0
        kill_at = time.monotonic() + grace_s + _FAREWELL_SECONDS
        self._kill_at = min(self._kill_at, kill_at) if self._is_stopping else kill_at
        self._is_stopping = True
        order = Order.STOP if request is _Request.STOP else Order.STOP_NOW
        for child in self._children:
            if child.process is None:
                child.is_done = True
                continue
            try:
                os.write(child.pipe, order.value)
            except OSError:
                continue  # it is gone, and its waiter will say so

    def _kill(self) -> None:
        for child in self._children:
            if child.process is not None:
                logger.error("child=%s did not stop in time and is killed", child.number)
                child.process.kill()
                self.report.killed += 1
        self._kill_at = time.monotonic() + _FAREWELL_SECONDS

    def _watch_health(self) -> None:
        if self._health is None or self._is_stopping:
            return
        oldest = self.options.poll_seconds + _HEALTH_SLACK_SECONDS
        for child in self._children:
            if not child.is_done:
                age = HealthFile(f"{self._health.path}.{child.number}").age_seconds()
                if age is None or age > oldest:
                    return
        self._health.touch()

    @staticmethod
    def _close_pipe(child: _Child) -> None:
        if child.pipe >= 0:
            os.close(child.pipe)
            child.pipe = -1
