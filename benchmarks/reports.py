"""
What a monthly report costs: ours, which lets the database count, beside rows counted in Python.

The report has two sections, by day of Europe/Madrid and by agent, each with the count, the median
and the 95th percentile of a rating; ours is made into HTML besides. Counted in Python, the rows
come from the same index in chunks, once for both sections. Each run is a process of its own, whose
peak of memory is its own. CPU is that of this process, and beside it that of the server with all
its processes: on a machine that does something else with it too much is shown. On SQLite the
process is the server. That both have the same figures is checked.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks._lib.accounting import server_pid, tree_seconds
from benchmarks._lib.tables import markdown, number, ratio
from benchmarks.backups import connect
from tests.services import POSTGRESQL

ROOT = Path(__file__).resolve().parent.parent
NAME = f"opskit_bench_{os.getpid()}_reports"
ROWS, AGENTS = 1_000_000, 50
DATABASES = ("postgresql", "sqlite")
NAMES = {"ours": "generate_reports", "theirs": "rows counted in Python"}
ZONE, PERIOD = "Europe/Madrid", "2026-10"
# All rows are of the month, in which clocks change.
FILL_POSTGRESQL = """
    CREATE TABLE bench_chat (id bigint PRIMARY KEY, agent integer NOT NULL,
      rating double precision NOT NULL, started_at timestamptz NOT NULL);
    INSERT INTO bench_chat SELECT i, i * i % AGENTS, i * 7919 % 10007 / 100.0,
      timestamptz '2026-09-30 22:00Z' + (i * 104729 % ROWS) * interval '2682000 seconds' / ROWS
    FROM generate_series(0::bigint, ROWS - 1) i;
    CREATE INDEX bench_chat_started_at ON bench_chat (started_at);
    VACUUM ANALYZE bench_chat
"""
FILL_SQLITE = """
    CREATE TABLE bench_chat (id integer PRIMARY KEY, agent integer NOT NULL, rating real NOT NULL,
      started_at datetime NOT NULL);
    WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < ROWS - 1)
    INSERT INTO bench_chat SELECT i, i * i % AGENTS, i * 7919 % 10007 / 100.0,
      datetime('2026-09-30 22:00:00', ((i * 104729 % ROWS) * 2682000 / ROWS) || ' seconds')
    FROM numbers;
    CREATE INDEX bench_chat_started_at ON bench_chat (started_at);
    ANALYZE
"""

#: Count, median and 95th percentile by day and by agent, with the keys as texts.
Figures = dict[str, dict[str, list[float]]]


def fill(vendor: str, place: str, rows: int) -> None:
    """Make the table and its rows."""
    source = FILL_POSTGRESQL if vendor == "postgresql" else FILL_SQLITE
    statements = source.replace("ROWS", str(rows)).replace("AGENTS", str(AGENTS)).split(";\n")
    if vendor == "postgresql":
        connect("postgres", f"CREATE DATABASE {place}")
        for statement in statements:
            connect(place, statement)
        return
    with closing(sqlite3.connect(place)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def chat_model(vendor: str, place: str) -> Any:
    """Return the model, on a site with nothing else in it: its memory would be counted as ours."""
    import django
    from django.conf import settings

    server = {
        "HOST": POSTGRESQL.host,
        "PORT": POSTGRESQL.port,
        "USER": POSTGRESQL.setting("USER", "postgres"),
        "PASSWORD": POSTGRESQL.setting("PASSWORD", ""),
    }
    database = {
        "ENGINE": f"django.db.backends.{'sqlite3' if vendor == 'sqlite' else vendor}",
        "NAME": place,
        **(server if vendor == "postgresql" else {}),
    }
    settings.configure(
        DATABASES={"default": database},
        INSTALLED_APPS=["django_system_ops"],
        TIME_ZONE=ZONE,
        USE_TZ=True,
    )
    django.setup()
    from django.db import models as db

    class BenchChat(db.Model):
        id = db.BigIntegerField(primary_key=True)
        agent = db.IntegerField()
        rating = db.FloatField()
        started_at = db.DateTimeField(db_index=True)

        class Meta:
            app_label = "django_system_ops"
            db_table = "bench_chat"

        def __str__(self) -> str:
            return str(self.id)

    return BenchChat


def ours() -> Figures:
    """Make the report as the command does."""
    from django.utils import timezone

    from django_system_ops.conf.reports import ReportTypeSettings
    from django_system_ops.engine.periods import period_named
    from django_system_ops.services.reports.documents import ReportWish, report_document
    from django_system_ops.services.reports.rendering import rendered
    from django_system_ops.services.tenants import Tenants

    section = {
        "model": "django_system_ops.BenchChat",
        "shared": True,
        "date_field": "started_at",
        "limit": AGENTS,
        "metrics": {"chats": {"count": "*"}, "p50": {"p50": "rating"}, "p95": {"p95": "rating"}},
    }
    conf = ReportTypeSettings.model_validate(
        {
            "sections": {
                "days": {**section, "group": "day", "chart": "line"},
                "agents": {**section, "group": "agent", "chart": "bar"},
            }
        }
    )
    document = report_document(
        ReportWish(
            "usage",
            conf,
            period_named(PERIOD),
            Tenants(),
            compare=False,
            language="en",
            using="default",
            now=timezone.now(),
        )
    )
    rendered(document, "html")
    return {
        one["name"]: {str(row["key"]): list(row["values"].values()) for row in one["rows"]}
        for one in document["sections"]
    }


def theirs(model: Any) -> Figures:
    """Fetch the rows and count them."""
    from django.utils import timezone

    from django_system_ops.engine.periods import period_named

    zone = timezone.get_default_timezone()
    start, end = period_named(PERIOD).bounds(zone)
    days: dict[str, list[float]] = {}
    agents: dict[str, list[float]] = {}
    rows = model.objects.filter(started_at__gte=start, started_at__lt=end)
    wanted = rows.values_list("started_at", "agent", "rating").iterator(chunk_size=2000)
    for started_at, agent, rating in wanted:
        day = started_at.astimezone(zone).date().isoformat()
        days.setdefault(day, []).append(rating)
        agents.setdefault(str(agent), []).append(rating)
    return {
        name: {key: _figures(sorted(ratings)) for key, ratings in groups.items()}
        for name, groups in (("days", days), ("agents", agents))
    }


def _figures(ordered: list[float]) -> list[float]:
    return [len(ordered), _percentile(ordered, 50), _percentile(ordered, 95)]


def _percentile(ordered: list[float], percent: int) -> float:
    whole, hundredths = divmod((len(ordered) - 1) * percent, 100)
    low, high = ordered[whole], ordered[min(whole + 1, len(ordered) - 1)]
    return round(low + (high - low) * hundredths / 100, 2)


def run(which: str, vendor: str, place: str) -> None:
    """Make the figures, and print what it took."""
    model = chat_model(vendor, place)
    model.objects.first()  # what is loaded once
    pid = server_pid(vendor)
    server = tree_seconds([pid]) if pid else 0.0
    before, started = time.process_time(), time.monotonic()
    figures = ours() if which == "ours" else theirs(model)
    cpu, wall = time.process_time() - before, time.monotonic() - started
    server = (tree_seconds([pid]) if pid else 0.0) - server
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    status = Path("/proc/self/status")
    if status.exists():
        # What a process was before it became this program does not count.
        peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    found = {"cpu": cpu, "server": server, "wall": wall, "peak": peak, "figures": figures}
    print(json.dumps(found))


def measure(which: str, vendor: str, place: str) -> dict[str, Any]:
    """Return what a run took, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reports", "--run", which, vendor, place],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def require_same(mine: Figures, other: Figures, rows: int) -> None:
    """Fail unless both counted the same rows and came to the same figures."""
    for name, groups in mine.items():
        assert sum(one[0] for one in groups.values()) == rows, (name, groups)
        assert groups.keys() == other[name].keys(), name
        for key, values in groups.items():
            # What lies half-way between two figures may be rounded to either.
            pairs = list(zip(values, other[name][key], strict=True))
            assert all(abs(one - two) < 0.011 for one, two in pairs), (name, key, pairs)


def compare(vendor: str, place: str, sizes: Iterable[int], rounds: int) -> None:
    """Measure and print."""
    table, said = [], []
    for rows in sizes:
        own_place = f"{place}_{rows}"
        fill(vendor, own_place, rows)
        costs = {}
        for which, name in NAMES.items():
            some = (measure(which, vendor, own_place) for _ in range(rounds))
            one = costs[which] = min(some, key=lambda one: one["cpu"] + one["server"])
            table.append(
                [
                    name,
                    f"{rows:,}",
                    number(one["wall"], " s"),
                    number(one["cpu"], " s"),
                    number(one["server"], " s") if vendor != "sqlite" else "in it",
                    number(one["peak"] / 1e6, " MB"),
                ]
            )
        mine, other = costs["ours"], costs["theirs"]
        require_same(mine["figures"], other["figures"], rows)
        cpu_of_all = [one["cpu"] + one["server"] for one in (other, mine)]
        said.append(
            f"{rows:,} rows, theirs by ours: wall {ratio(other['wall'], mine['wall'])}, CPU of the "
            f"client {ratio(other['cpu'], mine['cpu'])}, CPU with the server {ratio(*cpu_of_all)}, "
            f"memory {ratio(other['peak'], mine['peak'])}"
        )
    print(f"\n### A monthly report on {vendor}\n")
    head = ["", "rows", "wall", "CPU client", "CPU server", "memory at most"]
    print(markdown(head, table))
    print()
    print("\n".join(said))


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--only", nargs="+", choices=DATABASES, default=DATABASES)
    parser.add_argument("--quick", action="store_true", help="few rows, once")
    parser.add_argument("--run", nargs=3, metavar="ARGUMENT", help="used by this script")
    options = parser.parse_args()
    if options.run:
        run(*options.run)
        return
    rows, rounds = (100_000, 1) if options.quick else (options.rows, options.rounds)
    sizes = (rows // 4, rows)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for vendor in options.only:
                place = NAME if vendor == "postgresql" else str(Path(folder, NAME))
                compare(vendor, place, sizes, rounds)
    finally:
        for size in sizes if "postgresql" in options.only else ():
            connect("postgres", f"DROP DATABASE IF EXISTS {NAME}_{size} WITH (FORCE)")


if __name__ == "__main__":
    main()
