"""
A whole run of job automation, with the published algorithm on the same data in the same run.

10,000 sites with 400 hourly readings each; one site in a hundred is silent, and one stands still.
The published algorithm asks for all sites, then for the readings of each, then for an open job of
each that it flags, and saves jobs one by one. CPU is that of this process and of the server, whose
whole process tree is counted; on SQLite the server is this process. Both run in turns, and medians
are printed.
"""

import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from subprocess import run as run_process
from typing import Any

from benchmarks._lib.accounting import peak_bytes, server_pid, tree_seconds
from benchmarks._lib.databases import fresh_database, settle
from benchmarks._lib.monitoring import configure
from benchmarks._lib.tables import markdown, number, ratio

SITES, READINGS, ROUNDS = 10_000, 400, 3
VENDORS = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}
AS_OF = datetime(2026, 6, 1, 6, tzinfo=UTC)


@dataclass
class Cost:
    """What something took."""

    wall: float = 0.0
    client: float = 0.0
    server: float = 0.0
    statements: int = 0
    grown_mb: float = 0.0
    jobs: int = 0

    @property
    def cpu(self) -> float:
        """Return the CPU seconds of client and server."""
        return self.client + self.server


@contextmanager
def measured(vendor: str) -> Iterator[Cost]:
    """Measure what is done inside."""
    from django.db import connection

    cost = Cost()

    def count(execute: Callable[..., Any], *args: Any) -> Any:
        cost.statements += 1
        return execute(*args)

    pid = server_pid(vendor)
    before_mb = peak_bytes([os.getpid()]) / 1e6
    server = tree_seconds([pid]) if pid else 0.0
    client, wall = time.process_time(), time.perf_counter()
    with connection.execute_wrapper(count):
        yield cost
    cost.wall, cost.client = time.perf_counter() - wall, time.process_time() - client
    cost.server = (tree_seconds([pid]) if pid else 0.0) - server
    cost.grown_mb = peak_bytes([os.getpid()]) / 1e6 - before_mb


def fill(vendor: str, sites: int, readings: int) -> None:
    """Write the sites and their readings by the database's own means."""
    from django.db import connection

    from django_job_automation.models import Site

    Site.objects.bulk_create(
        (Site(site_id=f"S{one:06}", site_name=f"Site {one}") for one in range(sites)),
        batch_size=1000,
    )
    first = Site.objects.order_by("pk").values_list("pk", flat=True)[0]
    total = sites * readings
    series = {
        "postgresql": f"generate_series(0, {total - 1}) AS n(i)",
        "mysql": f"seq_0_to_{total - 1}",
        "sqlite": f"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
        f"WHERE i + 1 < {total}) SELECT i FROM n) AS n",
    }[vendor]
    i = "seq" if vendor == "mysql" else "i"
    whole = "DIV" if vendor == "mysql" else "/"
    site, hour = f"({i} {whole} {readings})", f"({i} % {readings})"
    # Silent sites have the same readings, five days earlier.
    hours = f"({hour} + CASE WHEN {site} % 100 = 7 THEN 120 ELSE 0 END)"
    at = {
        "postgresql": f"timestamptz '{AS_OF:%Y-%m-%d %H:%M:%S}+00' - {hours} * interval '1 hour'",
        "mysql": f"TIMESTAMP '{AS_OF:%Y-%m-%d %H:%M:%S}' - INTERVAL {hours} HOUR",
        "sqlite": f"strftime('%Y-%m-%d %H:%M:%S', '{AS_OF:%Y-%m-%d %H:%M:%S}', "
        f"'-' || {hours} || ' hours')",
    }[vendor]
    value = f"CASE WHEN {site} % 100 = 9 THEN 500 ELSE 100000 - {hour} END"
    table = "django_job_automation_reading"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (site_id, reading_date, reading_value) "
            f"SELECT {first} + {site}, {at}, {value} FROM {series}"
        )
        cursor.execute(f"ANALYZE TABLE {table}" if vendor == "mysql" else "ANALYZE")
        if vendor == "mysql":
            cursor.fetchall()
            # Written now, and not by the server's threads during a measurement.
            cursor.execute(f"FLUSH TABLES {table} FOR EXPORT")
            cursor.execute("UNLOCK TABLES")
        if vendor == "postgresql":
            cursor.execute(f"VACUUM {table}")


def published() -> int:
    """Do what the published commands do; return how many jobs that made."""
    from django_job_automation.models import Job, Reading, Site

    made = 0
    cutoff = AS_OF - timedelta(days=3)
    recent = Reading.objects.filter(reading_date__gte=cutoff).values_list("site_id", flat=True)
    for site in Site.objects.exclude(id__in=recent.distinct()):
        if not Job.objects.filter(site=site, job_type="no_coms", status="open").exists():
            Job.objects.create(site=site, job_type="no_coms", description="No readings for 3 days")
            made += 1
    for site in Site.objects.all():
        newest = Reading.objects.filter(site=site).order_by("-reading_date")[:4]
        if len(newest) < 3:
            continue
        values = [one.reading_value for one in newest]
        zeros = sum(one is not None and one == other for one, other in pairwise(values))
        # Four of three differences never are: as it was meant, and not as it was written.
        if (
            zeros >= 3
            and not Job.objects.filter(site=site, job_type="zero_reads", status="open").exists()
        ):
            Job.objects.create(site=site, job_type="zero_reads")
            made += 1
    return made


def ours() -> int:
    """Run both rules; return how many jobs that made."""
    from django_job_automation.services.running import run_automation

    report = run_automation(started_by="benchmark", as_of=AS_OF)
    if report.failed:
        raise RuntimeError(report.failed)
    return report.created


def sizes(vendor: str) -> str:
    """Return how large the table of readings is, and the index that runs go by."""
    from django.db import connection

    statements = {
        "postgresql": "SELECT pg_relation_size('django_job_automation_reading'), "
        "pg_relation_size('dja_reading_newest'), current_setting('shared_buffers')",
        "mysql": "SELECT data_length, (SELECT stat_value * @@innodb_page_size "
        "FROM mysql.innodb_index_stats WHERE database_name = DATABASE() AND stat_name = 'size' "
        "AND index_name = 'dja_reading_newest'), "
        "CONCAT(@@innodb_buffer_pool_size DIV 1048576, ' MB') FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name = 'django_job_automation_reading'",
    }
    if vendor not in statements:
        return ""
    with connection.cursor() as cursor:
        cursor.execute(statements[vendor])
        table, index, cache = cursor.fetchone()
    return f"Table {int(table) / 1e6:,.0f} MB, index {int(index) / 1e6:,.0f} MB, cache {cache}."


def middle(costs: list[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        **{one.name: median(getattr(cost, one.name) for cost in costs) for one in fields(Cost)}
    )


def measure(vendor: str, *, sites: int, readings: int, with_peer: bool) -> None:
    """Fill a database, let both run on it, and print a table."""
    with tempfile.TemporaryDirectory() as folder, fresh_database(vendor, "jobs") as database:
        configure(database, Path(folder), app="django_job_automation", DEFAULT_AUTO_FIELD=_KEYS)
        from django_job_automation.models import Job

        fill(vendor, sites, readings)
        settle(vendor)
        taken: dict[str, list[Cost]] = {}
        # Ours first, so that nothing is warm for it that is cold for the other.
        contenders = [("ours", ours), ("published", published)][: 2 if with_peer else 1]
        for name, work in contenders * ROUNDS:
            Job.objects.all().delete()
            with measured(vendor) as cost:
                cost.jobs = work()
            taken.setdefault(name, []).append(cost)
        costs = {name: middle(found) for name, found in taken.items()}
        head = ["", "jobs", "statements", "CPU client", "CPU server", "wall", "memory", "CPU"]
        rows = [
            [
                name,
                f"{one.jobs:,}",
                f"{one.statements:,}",
                number(one.client, " s"),
                number(one.server, " s"),
                number(one.wall, " s"),
                number(one.grown_mb, " MB more"),
                ratio(one.cpu, costs["ours"].cpu),
            ]
            for name, one in costs.items()
        ]
        print(f"\n### {sites:,} sites, {sites * readings:,} readings on {VENDORS[vendor]}\n")
        print(markdown(head, rows), flush=True)
        print(f"\n{sizes(vendor)}", flush=True)


_KEYS = "django.db.models.BigAutoField"


def main() -> int:
    """Measure each database in a process of its own."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sites")
    parser.add_argument("--database", choices=VENDORS, help="this one alone")
    parser.add_argument("--sites", type=int, default=SITES)
    parser.add_argument("--readings", type=int, default=READINGS, help="of each site")
    parser.add_argument("--no-peer", action="store_true", help="ours alone")
    options = parser.parse_args()
    if options.database:
        measure(
            options.database,
            sites=options.sites // (10 if options.quick else 1),
            readings=options.readings,
            with_peer=not options.no_peer,
        )
        return 0
    failed = 0
    for vendor in VENDORS:
        command = [sys.executable, "-m", "benchmarks.job_automation", "--database", vendor]
        command += sys.argv[1:]
        failed |= run_process(command, check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
