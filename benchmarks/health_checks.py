"""
The runner and the grid of the health monitor, with django-health-check in the same run.

Checks that sleep stand for checks that wait for a server. The grid is that of a whole monitor,
which writes every round to SQLite, with two checks that never end beside those that are measured.
"""

import asyncio
import dataclasses
import logging
import os
import tempfile
import threading
import time
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path

from benchmarks._lib.accounting import rss_bytes
from benchmarks._lib.monitoring import configure, sleeping, sqlite_in
from benchmarks._lib.tables import markdown, number, percentile, ratio, typical

COUNT = 50
INTERVAL_SECONDS = 1.0


def ours(seconds: float) -> tuple[float, int]:
    """Return how long 50 checks take together, and how many of them were said to time out."""
    from django_health_check_job.services.single_round import run_round

    specs = [sleeping(f"check-{number}", seconds) for number in range(COUNT)]
    done = run_round(specs, max_threads=64)
    return done.duration_seconds, sum(one.status == 0 for one in done.outcomes)


def peers(seconds: float) -> tuple[float, int]:
    """Return the same for django-health-check 4, as its view runs them."""
    from health_check.base import HealthCheck

    @dataclasses.dataclass
    class Sleeping(HealthCheck):  # type: ignore[misc]  # the library has no types
        def run(self) -> None:
            time.sleep(seconds)

    async def everything() -> list[object]:
        return list(await asyncio.gather(*(Sleeping().get_result() for _ in range(COUNT))))

    started = time.perf_counter()
    results = asyncio.run(everything())
    return time.perf_counter() - started, sum(bool(getattr(one, "error", 0)) for one in results)


def drift(seconds: float) -> tuple[list[float], float]:
    """Return how late each round began, in ms, and by how many MB the process grew."""
    from django_health_check_job.conf import get_conf
    from django_health_check_job.services.monitor import Monitor

    starts: list[datetime] = []
    specs = [
        sleeping("measured", 0.3),
        *(sleeping(f"hung-{number}", 86_400, timeout_seconds=1.0) for number in range(2)),
    ]
    monitor = Monitor(
        specs,
        get_conf(),
        on_round=lambda one: starts.append(one.started_at),
    )
    thread = threading.Thread(target=monitor.run)
    thread.start()
    time.sleep(5)
    before = rss_bytes(os.getpid())
    time.sleep(seconds)
    grown = (rss_bytes(os.getpid()) - before) / 1e6
    monitor.stop()
    thread.join()
    late = [
        ((one - starts[0]).total_seconds() - index * INTERVAL_SECONDS) * 1000
        for index, one in enumerate(starts)
    ]
    # The first round may have been late itself.
    return [one - min(late) for one in late], grown


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute of grid, one round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        configure(sqlite_in(Path(folder)), Path(folder))
        # It logs a traceback for each of its false time-outs.
        logging.disable(logging.ERROR)
        rows = []
        for seconds in (0.1, 1.0):
            rounds = 1 if options.quick else 5
            pairs = [(ours(seconds), peers(seconds)) for _ in range(rounds)]
            for name, index in (("ours", 0), ("django-health-check", 1)):
                took = typical([pair[index][0] for pair in pairs])
                wrong = max(pair[index][1] for pair in pairs)
                rows.append(
                    [f"{name}, {seconds:g} s", number(took, " s"), ratio(took, seconds), str(wrong)]
                )
        print(f"\n### {COUNT} healthy checks at once\n")
        print(markdown(["", "took", "of the slowest", "false time-outs"], rows))
        late, grown = drift(30.0 if options.quick else 600.0)
        print("\n### A grid of 1 s, rounds of 0.3 s, two checks that hang\n")
        head = ["rounds", "p50 late", "p99 late", "latest", "memory"]
        figures = [percentile(late, 50), percentile(late, 99), max(late)]
        row = [str(len(late)), *(number(one, " ms") for one in figures), number(grown, " MB more")]
        print(markdown(head, [row]))


if __name__ == "__main__":
    main()
