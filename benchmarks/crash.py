"""
From ``kill -9`` of a worker in mid-job to the moment when another one begins its jobs again.

Worker A runs four jobs that sleep, worker B is idle. A is killed with its whole process group,
and B stays. Those who are slow by design are watched all at once, for as long as ``PATIENCE``.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from benchmarks._lib import roster
from benchmarks._lib.conditions import tell_conditions
from benchmarks._lib.contenders import Contender, Driver
from benchmarks._lib.field import entered, say
from benchmarks._lib.options import parse
from benchmarks._lib.peers import MissingError
from benchmarks._lib.tables import NOTHING, markdown, number, typical

JOBS = 4
#: Longer than anything is watched, so that a job that runs again was taken over.
JOB_SECONDS = 600.0
PATIENCE = 75.0
QUICK_PATIENCE = 15.0


@dataclass(frozen=True)
class Crash:
    """What one kill did: seconds until each job began again, of ``running`` ones."""

    running: int
    again: tuple[float, ...]


def contenders() -> list[Contender]:
    """Return who is killed: four jobs side by side, or one in each of four processes."""
    ours = [
        replace(roster.outbox(server=server, concurrency=JOBS), name=f"outbox, {name}")
        for server, name in roster.SERVER_NAMES.items()
    ]
    peers = [
        roster.pgqueuer(),
        roster.oban(),
        roster.procrastinate(concurrency=JOBS),
        roster.celery("rabbitmq", concurrency=JOBS),
        roster.celery("redis", concurrency=JOBS),
        roster.tasks_db(conn_max_age=600),
    ]
    return [*ours, *peers]


def crash(driver: Driver, patience_seconds: float) -> Crash:
    """Kill a worker and watch another."""
    driver.forget()
    with driver.work() as killed:
        driver.ask("fill", JOBS, JOB_SECONDS)
        victims = _running(driver)
        with driver.work():
            # It starts up, and may take what the other does not run.
            time.sleep(4.0)
            noted = len(driver.notes())
            killed_at = time.monotonic()
            killed.kill()
            again: dict[int, float] = {}
            while len(again) < len(victims) and time.monotonic() < killed_at + patience_seconds:
                time.sleep(0.005)
                for number, moment in driver.notes()[noted:]:
                    if number in victims:
                        again.setdefault(number, moment - killed_at)
    return Crash(len(victims), tuple(again.values()))


def _running(driver: Driver) -> set[int]:
    """Wait until the only worker runs what it can run at once, and return that."""
    driver.wait_for(1)
    deadline = time.monotonic() + 3.0
    while driver.begun() < JOBS and time.monotonic() < deadline:
        time.sleep(0.01)
    return {number for number, _ in driver.notes()}


def row(name: str, crashes: list[Crash]) -> list[str]:
    """Return a contender's line: all kills together."""
    running = sum(one.running for one in crashes)
    again = sorted(seconds for one in crashes for seconds in one.again)
    slowest = number(again[-1]) if again else NOTHING
    return [name, str(running), str(len(again)), number(typical(again)), slowest]


def main() -> None:
    """Measure and print."""
    options = parse(__doc__)
    patience = QUICK_PATIENCE if options.quick else PATIENCE
    with entered([one for one in contenders() if options.wanted(one.name)]) as field:
        ours = [one for one in field.drivers if one.contender.peer is None]
        peers = [one for one in field.drivers if one.contender.peer is not None]
        found: dict[str, list[Crash]] = {}
        for driver in ours * options.rounds:
            say(driver.contender.name)
            found.setdefault(driver.contender.name, []).append(crash(driver, patience))
        say(f"{len(peers)} peers at once")
        with ThreadPoolExecutor(max(1, len(peers))) as pool:
            futures = {one.contender.name: pool.submit(crash, one, patience) for one in peers}
        for name, future in futures.items():
            try:
                found[name] = [future.result()]
            except MissingError as reason:
                field.missing[name] = str(reason)
        print(f"\n### kill -9 in mid-job, seconds to the next run (watched for {patience:.0f} s)\n")
        head = ["", "were running", "ran again", "median s", "slowest s"]
        print(markdown(head, (row(name, crashes) for name, crashes in found.items())))
        field.tell_missing()
        tell_conditions(field.drivers)


if __name__ == "__main__":
    main()
