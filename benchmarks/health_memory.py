"""
The memory of a health monitor over 100,000 rounds.

A whole monitor, with a grid of 10 ms in place of seconds: each round has three checks and goes
to SQLite, with rollups. One check fails for ten rounds in every hundred, so that states change.
"""

import logging
import os
import tempfile
import threading
import time
from argparse import ArgumentParser
from pathlib import Path

from benchmarks._lib.accounting import rss_bytes
from benchmarks._lib.monitoring import configure, sleeping, sqlite_in
from benchmarks._lib.tables import markdown, number

ROUNDS = 100_000
STEPS = 10
INTERVAL_SECONDS = 0.01
# Until then caches fill and threads get their stacks.
_WARM_ROUNDS = 1_000


def grow(rounds: int) -> list[list[str]]:
    """Return rows: how many rounds are done, stored, and the memory then in MB."""
    from django_health_check_job.conf import get_conf
    from django_health_check_job.engine.standing import Thresholds
    from django_health_check_job.models import MonitorRound
    from django_health_check_job.probes import Down
    from django_health_check_job.probes.function import FunctionProbe
    from django_health_check_job.probes.spec import CheckSpec
    from django_health_check_job.services.monitor import Monitor

    done = [0]

    def flaky() -> None:
        if done[0] % 100 < 10:
            raise Down(f"round {done[0]}")

    specs = [
        *(sleeping(f"check-{one}", 0.0, interval_seconds=INTERVAL_SECONDS) for one in range(2)),
        CheckSpec(
            name="flaky",
            slug="flaky",
            critical=False,
            interval_seconds=INTERVAL_SECONDS,
            timeout_seconds=5.0,
            thresholds=Thresholds(),
            make=lambda: FunctionProbe(flaky),
        ),
    ]

    def count(_round: object) -> None:
        done[0] += 1

    monitor = Monitor(specs, get_conf(), on_round=count)
    thread = threading.Thread(target=monitor.run)
    thread.start()
    rows = []
    try:
        for step in range(STEPS + 1):
            goal = _WARM_ROUNDS + step * rounds // STEPS
            while done[0] < goal:
                time.sleep(0.1)
            stored = MonitorRound.objects.count()
            rows.append([f"{done[0]:,}", f"{stored:,}", number(rss_bytes(os.getpid()) / 1e6)])
    finally:
        monitor.stop()
        thread.join()
    return rows


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of it")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        configure(sqlite_in(Path(folder)), Path(folder))
        print("\n### Memory of a monitor\n")
        rows = grow(ROUNDS // 20 if options.quick else ROUNDS)
        print(markdown(["rounds", "stored", "MB"], rows))


if __name__ == "__main__":
    main()
