"""
The memory of one worker over a million jobs, and what an idle worker costs.

Memory is the resident set of the worker and its children; CPU is theirs, and the server's beside
it, which on a machine that does something else is too much.
"""

import time
from contextlib import ExitStack

from benchmarks._lib import roster
from benchmarks._lib.accounting import peak_bytes, rss_bytes, server_pid, tree_seconds
from benchmarks._lib.conditions import tell_conditions
from benchmarks._lib.contenders import Driver
from benchmarks._lib.field import entered, say
from benchmarks._lib.options import parse
from benchmarks._lib.tables import markdown, number

JOBS = 1_000_000
STEPS = 10
IDLE_SECONDS = 60.0


def grow(driver: Driver, jobs: int) -> list[list[str]]:
    """Return rows: the jobs done, and the memory then in MB, now and at most."""
    driver.forget()
    rows = []
    with driver.work() as worker:
        driver.ask("fill", 1, 0.0)
        driver.wait_for(1)
        for step in range(STEPS + 1):
            done = driver.begun()
            now, peak = rss_bytes(worker.pid) / 1e6, peak_bytes([worker.pid]) / 1e6
            rows.append([f"{done:,}", number(now), number(peak)])
            if step < STEPS:
                say(f"{done:,} jobs done")
                driver.ask("fill", jobs // STEPS, 0.0)
                driver.wait_for(done + jobs // STEPS, seconds=600)
    return rows


def idle(drivers: list[Driver], seconds: float) -> list[list[str]]:
    """Return rows: the database, and CPU as a share of one core, for the worker and the server."""
    with ExitStack() as stack:
        workers = []
        for driver in drivers:
            driver.forget()
            workers.append(stack.enter_context(driver.work()))
            driver.ask("fill", 1, 0.0)
            driver.wait_for(1)
        time.sleep(3.0)
        say(f"idle for {seconds:.0f} s")
        pids = [[worker.pid] for worker in workers]
        servers = [[pid] if (pid := server_pid(d.contender.server)) else [] for d in drivers]
        before = [
            (tree_seconds(pid), tree_seconds(server))
            for pid, server in zip(pids, servers, strict=True)
        ]
        time.sleep(seconds)
        after = [
            (tree_seconds(pid), tree_seconds(server))
            for pid, server in zip(pids, servers, strict=True)
        ]
    rows = []
    for driver, begin, end in zip(drivers, before, after, strict=True):
        shares = [(late - early) / seconds * 100 for early, late in zip(begin, end, strict=True)]
        name = roster.SERVER_NAMES[driver.contender.server]
        rows.append([name, number(shares[0], " %"), number(shares[1], " %")])
    return rows


def main() -> None:
    """Measure and print."""
    options = parse(__doc__, rounds=1)
    jobs = JOBS // 50 if options.quick else JOBS
    contenders = [roster.outbox(), *(roster.outbox(server=name) for name in ("sqlite", "mysql"))]
    with entered([one for one in contenders if options.wanted(one.name)]) as field:
        first = roster.SERVER_NAMES[field.drivers[0].contender.server]
        print(f"\n### Memory of one worker on {first}, batch 50\n")
        print(markdown(["jobs done", "MB now", "MB at most"], grow(field.drivers[0], jobs)))
        print("\n### An idle worker, share of one core\n")
        rows = idle(field.drivers, IDLE_SECONDS / 6 if options.quick else IDLE_SECONDS)
        print(markdown(["", "worker", "server"], rows))
        field.tell_missing()
        tell_conditions(field.drivers)


if __name__ == "__main__":
    main()
