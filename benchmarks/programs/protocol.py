"""
What every contender does in the same words; nothing here but the standard library.

A contender is a module of this package with a :class:`Program`. Run with the argument ``work`` it
is a worker until it is killed. Run with ``drive`` it answers one JSON request per line of its
input: the other side of :class:`benchmarks._lib.contenders.Driver`.

A job is a number and the seconds that it takes. Whoever runs one calls :func:`note`, which
appends a line of 40 bytes to a file: that is all a no-op job does, and the same for everyone.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

LINE_BYTES = 40
#: How long an idle worker may sleep before its job must have begun, in a latency test.
LATENCY_PATIENCE_SECONDS = 30.0

DATABASE: dict[str, Any] = json.loads(os.environ.get("BENCH_DATABASE", "{}"))
OPTIONS: dict[str, Any] = json.loads(os.environ.get("BENCH_OPTIONS", "{}"))
LOG = Path(os.environ.get("BENCH_LOG", os.devnull))

_log = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def note(number: int) -> None:
    """Say that the job ``number`` has begun, and when (nanoseconds, one clock for the machine)."""
    os.write(_log, b"%19d %19d\n" % (number, time.monotonic_ns()))


def conninfo() -> str:
    """Return the PostgreSQL database as a URL."""
    credentials = DATABASE["USER"]
    if DATABASE["PASSWORD"]:
        credentials += f":{DATABASE['PASSWORD']}"
    address = f"{DATABASE['HOST']}:{DATABASE['PORT']}"
    return f"postgresql://{credentials}@{address}/{DATABASE['NAME']}"


class Program:
    """
    One contender.

    Where ``is_async`` is true, everything but ``work`` happens in one event loop, and what a
    method returns is awaited.
    """

    is_async: ClassVar[bool] = False

    def version(self) -> str:
        """Return the contender's name and version."""
        raise NotImplementedError

    def prepare(self) -> Awaitable[None] | None:
        """Make tables or queues, and stay connected."""
        raise NotImplementedError

    def reset(self) -> Awaitable[None] | None:
        """Forget all jobs; no worker runs."""
        raise NotImplementedError

    def fill(self, count: int, seconds: float) -> Awaitable[None] | None:
        """Store ``count`` jobs in the quickest way, numbered from 1, and wake the workers."""
        raise NotImplementedError

    def enqueue(self, number: int) -> Awaitable[object] | None:
        """Store one no-op job in a transaction of its own."""
        raise NotImplementedError

    def bulk(self, count: int) -> Awaitable[object] | None:
        """Store ``count`` no-op jobs as the manual says that many are stored."""
        raise NotImplementedError

    def work(self) -> None:
        """Be a worker until the process is ended."""
        raise NotImplementedError

    def measure_claims(self, most: int) -> dict[str, Any]:
        """Time the claims of a worker in this process; only ours can do that."""
        raise NotImplementedError

    def insert_finished(self, count: int) -> None:
        """Store jobs that were done long ago; only ours can do that."""
        raise NotImplementedError

    def clean(self) -> Awaitable[None] | None:
        """Remove what dropping the database does not remove; mostly there is nothing."""
        return None


def main(program: Program) -> None:
    """Do what the command line asks for."""
    if sys.argv[1:] == ["work"]:
        program.work()
    elif program.is_async:
        asyncio.run(_drive(program))
    else:
        # Django refuses its work on a thread that runs an event loop.
        coroutine = _drive(program)
        try:
            coroutine.send(None)
        except StopIteration:
            return
        raise RuntimeError(f"{type(program).__name__} awaits something and is not async")


async def _drive(program: Program) -> None:
    actions: dict[str, Callable[..., Awaitable[Any]]] = {
        "version": _version,
        "prepare": _prepare,
        "reset": _reset,
        "fill": _fill,
        "enqueue": _enqueue,
        "bulk": _bulk,
        "latency": _latency,
        "measure_claims": _measure_claims,
        "insert_finished": _insert_finished,
        "clean": _clean,
    }
    # The replies have a file of their own: libraries print what they like.
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        action, *arguments = json.loads(line)
        answer = await actions[action](program, *arguments)
        replies.write(json.dumps(answer) + "\n")


async def _finish(what: Awaitable[Any] | object | None) -> None:
    if isinstance(what, Awaitable):
        await what


async def _version(program: Program) -> str:
    return program.version()


async def _prepare(program: Program) -> None:
    await _finish(program.prepare())


async def _reset(program: Program) -> None:
    await _finish(program.reset())


async def _fill(program: Program, count: int, seconds: float) -> None:
    await _finish(program.fill(count, seconds))


async def _clean(program: Program) -> None:
    await _finish(program.clean())


async def _enqueue(program: Program, count: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(1, count + 1):
        what = program.enqueue(number)
        if what is not None and program.is_async:
            await what
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


async def _bulk(program: Program, count: int) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    await _finish(program.bulk(count))
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


async def _latency(program: Program, count: int) -> list[float]:
    """Return, for each of ``count`` jobs, the milliseconds from the call to the job's begin."""
    found = []
    for number in range(1, count + 1):
        # The worker is idle again, and no rhythm of ours meets one of its own.
        await _pause(program, random.uniform(0.03, 0.09))  # noqa: S311
        size = LOG.stat().st_size
        called_ns = time.monotonic_ns()
        await _finish(program.enqueue(number))
        deadline = time.monotonic() + LATENCY_PATIENCE_SECONDS
        while LOG.stat().st_size < size + LINE_BYTES:
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {number} had not begun within the time")
            await _pause(program, 0.001)
        with LOG.open("rb") as log:
            log.seek(size)
            _, begun_ns = log.read(LINE_BYTES).split()
        found.append((int(begun_ns) - called_ns) / 1e6)
    return found


async def _measure_claims(program: Program, most: int) -> dict[str, Any]:
    return program.measure_claims(most)


async def _insert_finished(program: Program, count: int) -> None:
    program.insert_finished(count)


async def _pause(program: Program, seconds: float) -> None:
    if program.is_async:
        await asyncio.sleep(seconds)
    else:
        time.sleep(seconds)
