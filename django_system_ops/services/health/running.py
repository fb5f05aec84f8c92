"""
Probes side by side, each with its deadline.

Each has a thread, and its deadline counts from the moment when that thread begins. Python cannot
end a thread: one that passes its deadline is given up and left behind. It takes nobody's place,
and the same thing is not asked again until it has ended.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from django.core.cache import caches
from django.db import connections

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.engine.findings import CheckResult, Finding, State
from django_system_ops.services.health.probes import CannotAskError, Probe, reason

__all__ = ["run_probes", "unfinished"]

# A signal that comes in the instant before a wait begins does not end it: its handler runs between
# two bytecodes, so there has to be a next one before long.
_LONGEST_WAIT_SECONDS = 0.5

# Those of this process that have not ended, by the name of what they ask.
_at_work: dict[str, "tuple[threading.Thread, _Run]"] = {}


@dataclass(eq=False)
class _Run:
    probe: Probe
    timeout_seconds: float
    submitted: float = field(default_factory=time.monotonic)
    begun: float | None = None  # set by its thread
    has_answered: bool = False  # too

    @property
    def deadline(self) -> float:
        return (self.submitted if self.begun is None else self.begun) + self.timeout_seconds

    def result(self, finding: Finding, seconds: float) -> CheckResult:
        latency_ms = seconds * 1000 if finding.latency_ms is None else finding.latency_ms
        return CheckResult(self.probe.service, self.probe.name, finding, latency_ms)


@dataclass(frozen=True)
class _Ended:
    run: _Run
    finding: Finding
    seconds: float


def run_probes(
    probes: Sequence[Probe], timeout_seconds: Callable[[Probe], float]
) -> list[CheckResult]:
    """Ask all at once, and return what they say in the order in which they were given."""
    ended: queue.SimpleQueue[_Ended] = queue.SimpleQueue()
    results: dict[str, CheckResult] = {}
    waiting: dict[str, _Run] = {}
    for probe in probes:
        run = _Run(probe, timeout_seconds(probe))
        if refusal := _start(run, ended):
            results[probe.name] = run.result(Finding(State.FAIL, refusal), 0.0)
        else:
            waiting[probe.name] = run
    while waiting:
        left = min(run.deadline for run in waiting.values()) - time.monotonic()
        with suppress(queue.Empty):
            one = ended.get(timeout=min(max(0.0, left), _LONGEST_WAIT_SECONDS))
            _take(one, waiting, results)
        # All that are there, before anybody is given up: this thread may have been late itself.
        with suppress(queue.Empty):
            while True:
                _take(ended.get_nowait(), waiting, results)
        for run in [one for one in waiting.values() if one.deadline <= time.monotonic()]:
            limit = run.timeout_seconds
            finding = Finding(State.FAIL, f"no answer within {limit:g} s")
            results[run.probe.name] = run.result(finding, limit)
            del waiting[run.probe.name]
    return [results[probe.name] for probe in probes]


def unfinished() -> list[str]:
    """Return what was given up in this process and has not ended; its threads still run."""
    return sorted(name for name in _at_work if _is_at_work(name))


def _is_at_work(name: str) -> bool:
    """Return whether a check has not answered yet; what it tidies up after that is no matter."""
    if (before := _at_work.get(name)) is None:
        return False
    thread, run = before
    return thread.is_alive() and not run.has_answered


def _start(run: _Run, ended: "queue.SimpleQueue[_Ended]") -> str:
    """Start it, or return why not."""
    name = run.probe.name
    if _is_at_work(name):
        return "the check before it has not ended yet"
    thread = threading.Thread(target=_work, args=(run, ended), name=f"health {name}", daemon=True)
    # Before it starts: a signal's exception may leave start() with the thread at work.
    _at_work[name] = thread, run
    try:
        thread.start()
    except RuntimeError:
        return "not asked: this process cannot start a thread"
    return ""


def _take(one: _Ended, waiting: dict[str, _Run], results: dict[str, CheckResult]) -> None:
    # Too late: it was given up, and somebody has been told so.
    if waiting.pop(one.run.probe.name, None) is not None:
        results[one.run.probe.name] = one.run.result(one.finding, one.seconds)


def _work(run: _Run, ended: "queue.SimpleQueue[_Ended]") -> None:
    finding = Finding(State.FAIL, "it ended without a word")
    run.begun = begun = time.monotonic()
    try:
        _take_own_connections()
        finding = run.probe.run(run.timeout_seconds)
    except CannotAskError as error:
        finding = Finding(State.SKIP, str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # isolated from the next service
        finding = Finding(State.FAIL, reason(error))
    finally:
        run.has_answered = True
        ended.put(_Ended(run, finding, time.monotonic() - begun))
        _let_go()


def _take_own_connections() -> None:
    """Use connections outside the pool: a check takes no place there, and leaves none taken."""
    for alias in connections:
        with suppress(Exception):  # one that cannot even be made is the trouble of its own check
            connections[alias] = own_connection(alias)


def _let_go() -> None:
    for connection in connections.all(initialized_only=True):
        close_own(connection)
    for cache in caches.all(initialized_only=True):
        with suppress(Exception):  # the check has said what is wrong with it
            cache.close()
