"""Checks run at once, each with its own deadline, and none twice."""

import asyncio
import gc
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection, connections

from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.probes import Down, ProbeResult, Unknown, Warn
from django_health_check_job.services.runner import Runner, _Ended, _Run
from tests.health.specs import spec, specs


@pytest.fixture
def runner() -> Iterator[Runner]:
    one = Runner(max_threads=8)
    yield one
    one.close()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened after the test, so that no thread of it hangs for ever."""
    one = threading.Event()
    yield one
    one.set()


def collect_all(runner: Runner, *, seconds: float = 20) -> list[Outcome]:
    deadline, found = time.monotonic() + seconds, []
    while not runner.is_idle:
        assert time.monotonic() < deadline, "checks did not end"
        found += [outcome for _key, outcome in runner.collect(1)]
    return found


def run_one(runner: Runner, function, **options) -> Outcome:
    assert runner.submit(spec(function, **options), 1)
    [outcome] = collect_all(runner)
    return outcome


def raise_(error: BaseException):
    raise error


@pytest.mark.parametrize(
    ("function", "state", "message"),
    [
        (lambda: None, State.UP, "OK"),
        (lambda: ProbeResult(State.UP, "12 ms"), State.UP, "12 ms"),
        (lambda: raise_(Warn("nearly full")), State.WARN, "nearly full"),
        (lambda: raise_(Down("refused")), State.DOWN, "refused"),
        (lambda: raise_(Unknown("no route to it")), State.UNKNOWN, "no route to it"),
        (lambda: raise_(Down("")), State.DOWN, "DOWN"),
        (
            lambda: raise_(ValueError("postgres://me:hunter2@db")),
            State.DOWN,
            "unexpected ValueError",
        ),
        (lambda: raise_(SystemExit(3)), State.DOWN, "unexpected SystemExit"),
        (lambda: raise_(Down("postgres://me:hunter2@db")), State.DOWN, "postgres://me:********@db"),
        (lambda: raise_(Down("nul \0 and \ud800")), State.DOWN, "nul  and ?"),
    ],
)
def test_what_a_check_says_is_its_outcome(runner, caplog, function, state, message):
    outcome = run_one(runner, function)

    assert (outcome.state, outcome.message) == (state, message)
    assert "hunter2" not in caplog.text


def test_async_check_runs_on_one_loop_thread(runner):
    async def look() -> ProbeResult:
        await asyncio.sleep(0)
        return ProbeResult(message=threading.current_thread().name)

    names = {run_one(runner, look, is_async=True).message for _ in range(3)}

    assert names == {"async checks"}


def test_check_that_cannot_be_made_is_down_and_the_others_run(runner):
    broken = spec()
    object.__setattr__(broken, "make", lambda: raise_(TypeError("secret")))
    runner.submit(broken, 1)
    runner.submit(spec(name="Fine"), 1)

    outcomes = {one.name: one.message for one in collect_all(runner)}

    assert outcomes == {"Check": "unexpected TypeError", "Fine": "OK"}


def test_check_that_hangs_is_given_up_and_not_started_again(runner, gate):
    starts = []

    def hang() -> None:
        starts.append(1)
        gate.wait()

    late = run_one(runner, hang, timeout_seconds=0.1)
    again = run_one(runner, hang, timeout_seconds=0.1)

    assert (late.state, late.message) == (State.DOWN, "timed out after 0.1 s")
    assert again.state is State.DOWN
    assert again.message.startswith("still running after")
    assert len(starts) == 1
    assert runner.hung == ["Check"]


def test_check_that_ends_after_all_is_run_again(runner, gate):
    run_one(runner, gate.wait, timeout_seconds=0.05)

    gate.set()
    while runner.hung:
        runner.collect(1)
    outcome = run_one(runner, lambda: None)

    assert outcome.state is State.UP


def test_late_end_does_not_speak_for_a_later_run(runner, gate):
    run_one(runner, lambda: gate.wait() and raise_(Down("old")), timeout_seconds=0.05)
    gate.set()
    while runner.hung:
        assert runner.collect(1) == []

    assert run_one(runner, lambda: None).message == "OK"


def test_run_that_is_still_in_time_is_not_doubled(runner, gate):
    assert runner.submit(spec(gate.wait), 1)

    assert not runner.submit(spec(gate.wait), 2)


def test_async_check_that_hangs_is_cancelled(runner):
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    outcome = run_one(runner, hang, is_async=True, timeout_seconds=0.1)

    assert outcome.message == "timed out after 0.1 s"
    assert cancelled.wait(10)
    while runner.hung:
        runner.collect(1)
    assert run_one(runner, hang, is_async=True, timeout_seconds=0.1).message.startswith("timed out")


def test_async_check_that_blocks_the_loop_takes_no_other_with_it_for_long(runner, gate):
    async def block() -> None:
        gate.wait()

    async def look() -> None:
        await asyncio.sleep(0)

    run_one(runner, look, name="Other", is_async=True)
    blocker = spec(block, name="Blocker", is_async=True, timeout_seconds=0.2)
    runner.submit(blocker, 1)
    # Found to be async, and handed on to the loop.
    first = {one.name: one for _key, one in runner.collect(0.1)}
    runner.submit(spec(look, name="Other", is_async=True, timeout_seconds=0.2), 1)
    first |= {one.name: one for one in collect_all(runner)}

    assert first["Blocker"].state is State.DOWN
    # Nobody could look: that is not its fault.
    assert first["Other"].state is State.UNKNOWN
    assert "blocks the event loop" in first["Other"].message
    third = run_one(runner, look, name="Third", is_async=True, timeout_seconds=5)
    assert third.state is State.UP


def test_waiting_for_a_thread_costs_no_time(runner):
    many = specs(24, lambda: time.sleep(0.2), timeout_seconds=0.4)
    for one in many:
        runner.submit(one, 1)

    outcomes = collect_all(runner)

    # Three times as many as there are threads: the last ones begin after 0.4 s.
    assert {one.state for one in outcomes} == {State.UP}
    assert max(one.duration_seconds for one in outcomes) < 0.4


def test_checks_that_hang_take_no_threads_from_the_others(gate):
    runner = Runner(max_threads=2)
    for one in specs(4, gate.wait, timeout_seconds=0.05):
        runner.submit(one, 1)
    collect_all(runner)

    assert run_one(runner, lambda: None, name="Fine").state is State.UP
    assert len(runner.hung) == 4
    runner.close()


def test_no_more_checks_run_at_once_than_there_are_threads():
    lock, running, most = threading.Lock(), [0], [0]

    def count() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.02)
        with lock:
            running[0] -= 1

    runner = Runner(max_threads=3)
    for one in specs(20, count):
        runner.submit(one, 1)
    collect_all(runner)

    assert most[0] == 3


@pytest.mark.django_db(transaction=True)
def test_connections_of_a_check_are_closed(runner):
    seen = []

    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        seen.append(connections["default"])

    outcome = run_one(runner, query)
    deadline = time.monotonic() + 10
    while seen[0].connection is not None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert outcome.state is State.UP
    assert seen[0].connection is None


def test_wake_ends_the_wait(runner):
    threading.Timer(0.05, runner.wake).start()

    assert runner.collect(20) == []


def ours() -> int:
    """Count the living objects that runs are made of."""
    return sum(type(one) in (Outcome, _Ended, _Run) for one in gc.get_objects())


def test_threads_and_runs_do_not_pile_up(runner):
    def round_() -> None:
        for one in specs(8, lambda: None):
            runner.submit(one, 1)
        collect_all(runner)

    round_()
    gc.collect()
    before, threads = ours(), threading.active_count()
    for _ in range(50):
        round_()
    gc.collect()

    # Others in this process may make what they like.
    assert ours() <= before
    assert threading.active_count() <= threads + 1
