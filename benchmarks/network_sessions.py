"""
A month of an optical network through the database: a whole session, at three sizes.

Two months of a network that was made up are run as ``hc_run`` does it: read, judged, all files
written, the database changed in one transaction, the tracker put in its place. The first month
opens all cases and the second one has few new ones. Each size has a process and a database of its
own, so that the peak of its memory is its own. CPU is that of the process and of the server, whose
whole process tree is counted; on SQLite the server is this process. The published script's time for
the smallest size, and what its cost grows with, are measured by ``benchmarks.network_hc``.
"""

import json
import os
import sys
import tempfile
import time
from argparse import SUPPRESS, ArgumentParser
from math import log
from pathlib import Path
from subprocess import run as run_process
from typing import Any

from benchmarks._lib.accounting import peak_bytes, server_pid, tree_seconds
from benchmarks._lib.databases import fresh_database
from benchmarks._lib.monitoring import configure
from benchmarks._lib.tables import markdown, number
from benchmarks.network_hc import EXAMPLE, SIZES

VENDORS = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}


def measure(size: str, vendor: str) -> list[dict[str, float]]:
    """Run two months of a network, and return what each took."""
    sys.path.append(str(EXAMPLE))
    with (
        tempfile.TemporaryDirectory() as place,
        fresh_database(vendor, f"network_{size}") as database,
    ):
        folder = Path(place)
        configure(
            database,
            folder,
            app="django_network_hc",
            NETWORK_HC={"SCRIPT_DIR": folder / "Script"},
        )
        from django.db import connection
        from optical import SampleNetwork

        from django_network_hc.models import Network
        from django_network_hc.services.networks import validate
        from django_network_hc.services.setup import begin_network, prepare

        nodes, findings, boards = SIZES[size]
        sample = SampleNetwork(nodes=nodes, findings=findings, boards=boards)
        months = sample.write(folder / "in", months=2)
        network = Network.objects.create(customer="Sample", name=sample.name)
        prepare()
        begin_network(network)
        validate(network, initiated_by="a benchmark")
        found = [_session(network, month, vendor) for month in months]
        connection.close()
    return found


def _session(network: Any, month: Any, vendor: str) -> dict[str, float]:
    from django.db import connection

    from django_network_hc.models import SessionFile
    from django_network_hc.services.folders import script_folder
    from django_network_hc.services.processing import run_session
    from django_network_hc.services.sessions import Input, open_session

    server = [pid] if (pid := server_pid(vendor)) else []
    statements = 0

    def count(execute: Any, *args: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*args)

    wall, client, served = time.monotonic(), time.process_time(), tree_seconds(server)
    with connection.execute_wrapper(count):
        inputs = [
            Input(SessionFile.Kind.TEC_REPORT, month.report.name, month.report, 100),
            Input(SessionFile.Kind.INVENTORY_CSV, month.inventory.name, month.inventory, 50),
        ]
        session = open_session(network, inputs, folder=script_folder(), initiated_by="a benchmark")
        done = run_session(session)
    return {
        "findings": done.counts["report_rows"],
        "new": done.counts["new"],
        "client": time.process_time() - client,
        "server": tree_seconds(server) - served,
        "wall": time.monotonic() - wall,
        "statements": statements,
        "memory": peak_bytes([os.getpid()]) / 1e6,
    }


def main() -> int:
    """Measure each size in a process of its own, and print a table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the largest")
    parser.add_argument("--database", choices=VENDORS, default="postgresql")
    parser.add_argument("--size", choices=SIZES, help=SUPPRESS)
    options = parser.parse_args()
    if options.size:
        print(json.dumps(measure(options.size, options.database)))
        return 0
    table = []
    before: tuple[float, float] | None = None
    for size in list(SIZES)[: 2 if options.quick else 3]:
        command = [sys.executable, "-m", "benchmarks.network_sessions", "--size", size]
        command += ["--database", options.database]
        done = run_process(command, check=True, capture_output=True, text=True)
        for month, found in enumerate(json.loads(done.stdout.splitlines()[-1]), start=1):
            cpu = found["client"] + found["server"]
            grows = ""
            if month == 2:
                if before:
                    power = log(cpu / before[0]) / log(found["findings"] / before[1])
                    grows = f"n^{power:.2f}"
                before = (cpu, found["findings"])
            table.append(
                [
                    f"{size}, month {month}",
                    f"{found['findings']:,}",
                    f"{found['new']:,}",
                    number(found["client"], " s"),
                    number(found["server"], " s"),
                    number(cpu, " s"),
                    number(found["wall"], " s"),
                    f"{found['statements']}",
                    number(found["memory"], " MB"),
                    grows,
                ]
            )
    print(f"{VENDORS[options.database]}\n")
    head = ["", "findings", "new", "client", "server", "CPU", "wall", "statements", "memory", ""]
    print(markdown(head, table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
