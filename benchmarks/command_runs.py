"""
What it costs a command to be recorded: the same command with the history on and off, in turns.

The command waits for 50 ms, as the shortest of real commands wait for their database. With the
history on there is beside it a thread with a connection of its own, the row, the end of the row,
and for one run in sixteen what keeps the history tidy. The limit is 10 ms.
"""

import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from subprocess import run as run_process
from typing import Any

from benchmarks._lib.accounting import peak_bytes
from benchmarks._lib.databases import fresh_database
from benchmarks._lib.monitoring import configure
from benchmarks._lib.peers import MissingError
from benchmarks._lib.tables import markdown, number, percentile, typical

VENDORS = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}
RUNS = 200
LIMIT_MS = 10.0
WORK_SECONDS = 0.05


def measure(vendor: str, runs: int) -> None:
    """Measure one database in this process, and print its rows of the table."""
    with (
        fresh_database(vendor, "runs") as database,
        tempfile.TemporaryDirectory() as folder,
    ):
        configure(database, Path(folder), app="django_system_ops")
        wall: dict[bool, list[float]] = {True: [], False: []}
        cpu: dict[bool, list[float]] = {True: [], False: []}
        for number_of_run in range(2 * runs):
            is_recorded = bool(number_of_run % 2)
            started = time.perf_counter(), time.process_time()
            once(folder, is_recorded=is_recorded)
            wall[is_recorded].append((time.perf_counter() - started[0]) * 1000)
            cpu[is_recorded].append((time.process_time() - started[1]) * 1000)
        show(vendor, wall, cpu, runs)


def once(folder: str, *, is_recorded: bool) -> None:
    """Run the command."""
    from io import StringIO

    from django.conf import settings
    from django.core.management import call_command

    from django_opskit.commands import OpsCommand

    class Command(OpsCommand):
        def handle(self, *args: Any, **options: Any) -> None:
            time.sleep(WORK_SECONDS)
            self.counters["done"] = 1

    history = {"enabled": is_recorded}
    settings.MANAGEMENT_COMMANDS = {"state_directory": folder, "history": history}
    call_command(Command(), skip_checks=True, stdout=StringIO())


def show(
    vendor: str, wall: dict[bool, list[float]], cpu: dict[bool, list[float]], runs: int
) -> None:
    """Print what recording adds."""
    from django_system_ops.models import CommandRun

    stored = CommandRun.objects.filter(status="SUCCEEDED").count()
    assert stored == runs, f"{stored} of {runs} runs were recorded"
    added = typical(wall[True]) - typical(wall[False])
    head = ["database", "without", "with", "added", "90 %", "CPU added", "memory", "limit"]
    row = [
        VENDORS[vendor],
        number(typical(wall[False]), " ms"),
        number(typical(wall[True]), " ms"),
        number(added, " ms"),
        number(percentile(wall[True], 90), " ms"),
        number(typical(cpu[True]) - typical(cpu[False]), " ms"),
        number(peak_bytes({os.getpid()}) / 1e6, " MB"),
        f"{LIMIT_MS:.0f} ms: {'met' if added < LIMIT_MS else 'missed'}",
    ]
    print(markdown(head, [row]), flush=True)


def main() -> int:
    """Measure each database in a process of its own."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs")
    parser.add_argument("--database", choices=VENDORS, help="this one alone")
    options = parser.parse_args()
    if options.database:
        try:
            measure(options.database, RUNS // 10 if options.quick else RUNS)
        except MissingError as error:
            print(f"{VENDORS[options.database]} is left out: {error}")
        return 0
    failed = 0
    for vendor in VENDORS:
        command = [sys.executable, "-m", "benchmarks.command_runs", "--database", vendor]
        failed |= run_process([*command, *sys.argv[1:]], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
