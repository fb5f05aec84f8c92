"""How fast workers do jobs that do nothing."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks._lib.accounting import peak_bytes, server_pid, tree_seconds
from benchmarks._lib.contenders import Driver, Worker
from benchmarks._lib.field import Field
from benchmarks._lib.options import Options
from benchmarks._lib.tables import markdown, number, ratio, typical

__all__ = ["Drain", "drain", "drain_all", "drain_table", "median_rate"]


@dataclass(frozen=True)
class Drain:
    """One measurement; CPU in microseconds per job, memory in megabytes for all workers."""

    rate: float
    worker_us: float
    server_us: float
    peak_mb: float


def drain(driver: Driver, *, jobs: int, workers: int) -> Drain:
    """
    Let ``workers`` do ``jobs`` no-op jobs, and take the time from the first to the last.

    The workers are up before. They are stopped (SIGSTOP) while the jobs are stored, so that
    neither their start nor the storing counts; but not on SQLite, where a worker that is stopped
    in the middle of a transaction would lock everyone out.
    """
    driver.forget()
    with ExitStack() as stack:
        running = [stack.enter_context(driver.work()) for _ in range(workers)]
        _warm_up(driver, running)
        can_freeze = driver.contender.server != "sqlite"
        for worker in running if can_freeze else ():
            worker.freeze()
        begun = driver.begun()
        driver.ask("fill", jobs, 0.0)
        pids = [worker.pid for worker in running]
        server = server_pid(driver.contender.server)
        servers = [server] if server else []
        before = tree_seconds(pids), tree_seconds(servers)
        for worker in running:
            worker.thaw()
        driver.wait_for(begun + jobs)
        # The last report is still on its way.
        time.sleep(0.2)
        after = tree_seconds(pids), tree_seconds(servers)
        moments = sorted(moment for _, moment in driver.notes()[begun:])
        return Drain(
            rate=(len(moments) - 1) / (moments[-1] - moments[0]),
            worker_us=(after[0] - before[0]) / jobs * 1e6,
            server_us=(after[1] - before[1]) / jobs * 1e6 if server else float("nan"),
            peak_mb=peak_bytes(pids) / 1e6,
        )


def drain_all(field: Field, options: Options, *, workers: int = 1) -> dict[str, list[Drain]]:
    """Measure everyone in turns, with ``workers`` processes each."""
    return field.rounds(
        options.rounds,
        lambda driver: drain(
            driver, jobs=options.scaled(driver.contender.jobs * workers), workers=workers
        ),
    )


def drain_table(found: dict[str, list[Drain]], *, ours: str, raw: str) -> str:
    """Return the medians, each rate as a multiple of the raw loop's, and ours as one of it."""
    rows = [
        [
            name,
            number(rate := typical([one.rate for one in drains])),
            ratio(rate, median_rate(found, raw)),
            ratio(median_rate(found, ours), rate),
            number(typical([one.worker_us for one in drains])),
            number(typical([one.server_us for one in drains])),
            number(typical([one.peak_mb for one in drains])),
        ]
        for name, drains in sorted(found.items(), key=lambda one: -median_rate(found, one[0]))
    ]
    head = ["", "jobs/s", "of raw", "ours is", "worker µs/job", "server µs/job", "peak MB"]
    return markdown(head, rows)


def median_rate(found: dict[str, list[Drain]], name: str) -> float:
    """Return a contender's jobs per second, NaN if it was not measured."""
    return typical([one.rate for one in found.get(name, [])])


def _warm_up(driver: Driver, running: list[Worker]) -> None:
    """Return when every worker has begun its work, as far as that is seen from outside."""
    if len(running) == 1:
        driver.ask("fill", 1, 0.0)
        driver.wait_for(1)
        time.sleep(0.3)
        return
    driver.ask("fill", 2 * len(running), 0.25)
    driver.wait_for(2 * len(running))
    # A second worker may still start up, and the first may hold its jobs.
    time.sleep(1.0)
