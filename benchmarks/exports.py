"""
What an exported row costs: our whole pipeline beside Django's serializers, on PostgreSQL.

CPU is that of the process that exports, hashing and writing included; the server's is not. Django's
serializers get the rows from a server-side cursor too, so that neither has them all in memory. Each
run is a process of its own, whose peak of memory is its own. The same with a quarter of the rows
shows whether the cost of a row grows with their number.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks._lib.tables import markdown, number, ratio
from tests.services import POSTGRESQL

ROOT = Path(__file__).resolve().parent.parent
NAME = f"opskit_bench_{os.getpid()}_exports"
ROWS = 1_000_000
FORMATS = ("jsonl", "xml", "csv", "json")
# Django has no serializer of csv.
THEIRS = ("jsonl", "xml", "json")
FILL = """
    CREATE TABLE bench_chat (id bigint PRIMARY KEY, tenant integer NOT NULL,
      title varchar(100) NOT NULL, body text NOT NULL, status varchar(20) NOT NULL,
      score integer NOT NULL, is_open boolean NOT NULL, created_at timestamptz NOT NULL,
      updated_at timestamptz NOT NULL);
    INSERT INTO bench_chat SELECT i, i % 50, 'Question about order ' || i,
      'Good morning, ' || repeat('the parcel has not arrived yet. ', 4) || md5(i::text),
      (ARRAY['open', 'closed', 'waiting'])[1 + i % 3], i * 7919 % 1000, i % 3 = 0,
      timestamptz '2026-01-01' + i * interval '7 seconds',
      timestamptz '2026-01-01' + i * interval '9.25 seconds'
    FROM generate_series(1::bigint, ROWS) i;
    VACUUM ANALYZE bench_chat
"""


def connect(database: str, sql: str) -> None:
    """Run a statement."""
    import psycopg

    user, password = POSTGRESQL.setting("USER", "postgres"), POSTGRESQL.setting("PASSWORD", "")
    place = {"host": POSTGRESQL.host, "port": POSTGRESQL.port, "user": user, "password": password}
    with psycopg.connect(**place, dbname=database, autocommit=True) as connection:  # type: ignore[arg-type]  # psycopg's own keywords
        connection.execute(sql.encode())


def chat_model() -> Any:
    """Return the model, on a site with nothing else in it: its memory would be counted as ours."""
    import django
    from django.conf import settings

    user, password = POSTGRESQL.setting("USER", "postgres"), POSTGRESQL.setting("PASSWORD", "")
    place = {"HOST": POSTGRESQL.host, "PORT": POSTGRESQL.port, "USER": user, "PASSWORD": password}
    name = os.environ["OPSKIT_DB_NAME"]
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": name, **place}},
        INSTALLED_APPS=["django_system_ops"],
        MANAGEMENT_COMMANDS={
            "data": {"types": {"chats": {"model": "django_system_ops.BenchChat", "shared": True}}}
        },
        USE_TZ=True,
    )
    django.setup()
    from django.db import models as db

    class BenchChat(db.Model):
        id = db.BigIntegerField(primary_key=True)
        tenant = db.IntegerField()
        title = db.CharField(max_length=100)
        body = db.TextField()
        status = db.CharField(max_length=20)
        score = db.IntegerField()
        is_open = db.BooleanField()
        created_at = db.DateTimeField()
        updated_at = db.DateTimeField()

        class Meta:
            app_label = "django_system_ops"
            db_table = "bench_chat"

        def __str__(self) -> str:
            return self.title

    return BenchChat


def ours(format: str, folder: Path, rows: int) -> None:
    """Export as the command does."""
    from django_system_ops.services.exporting.orders import Order
    from django_system_ops.services.exporting.running import export

    order = Order(["chats"], format, folder / "export", guard=format == "csv")
    report = export(order, check=lambda: None, advance=lambda _: None)
    assert report.pieces[0].rows == rows, report


def theirs(format: str, folder: Path, model: Any) -> None:
    """Export as dumpdata does."""
    from django.core import serializers
    from django.db import transaction

    with transaction.atomic(), (folder / "export").open("w") as file:
        serializers.serialize(
            format, model.objects.order_by("pk").iterator(chunk_size=2000), stream=file
        )


def run(which: str, format: str, folder: Path, rows: int) -> None:
    """Export, and print what it took."""
    model = chat_model()
    model.objects.first()  # what is loaded once
    before, started = time.process_time(), time.monotonic()
    if which == "ours":
        ours(format, folder, rows)
    else:
        theirs(format, folder, model)
    cpu, wall = time.process_time() - before, time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    status = Path("/proc/self/status")
    if status.exists():
        # What a process was before it became this program does not count.
        peak = int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    print(json.dumps({"cpu": cpu, "wall": wall, "peak": peak, "bytes": size}))


def measure(which: str, format: str, database: str, rows: int) -> dict[str, float]:
    """Return what an export took, in a process of its own."""
    environment = {
        **os.environ,
        "OPSKIT_DB_NAME": database,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'example_project'}",
    }
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.exports"]
        command += ["--run", which, format, folder, str(rows)]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def best(which: str, format: str, database: str, rows: int, rounds: int) -> dict[str, float]:
    """Return the run of several that took the least CPU."""
    found = (measure(which, format, database, rows) for _ in range(rounds))
    return min(found, key=lambda one: one["cpu"])


def line(name: str, one: dict[str, float], rows: int) -> list[str]:
    """Return a line of the table."""
    return [
        name,
        f"{rows:,}",
        number(one["cpu"] / rows * 1e6, " µs"),
        number(one["wall"], " s"),
        number(one["bytes"] / 1e6, " MB"),
        number(one["peak"] / 1e6, " MB"),
    ]


def compare(rows: int, rounds: int, formats: Sequence[str]) -> None:
    """Measure and print."""
    quarter = f"{NAME}_quarter"
    sizes = {NAME: rows, quarter: rows // 4}
    table, ratios = [], []
    for database, count in sizes.items():
        connect("postgres", f"CREATE DATABASE {database}")
        for statement in FILL.replace("ROWS", str(count)).split(";\n"):
            connect(database, statement)
    for format in formats:
        mine = best("ours", format, NAME, rows, rounds)
        small = best("ours", format, quarter, rows // 4, rounds)
        table += [
            line(f"export_data {format}", mine, rows),
            line(f"export_data {format}", small, rows // 4),
        ]
        growth = (mine["cpu"] / rows) / (small["cpu"] / (rows // 4))
        said = f"{format}: a row of {rows:,} by one of {rows // 4:,}: {growth:.2f}"
        if format in THEIRS:
            other = best("theirs", format, NAME, rows, rounds)
            table.append(line(f"Django's serializer {format}", other, rows))
            said += f"; CPU, theirs by ours: {ratio(other['cpu'], mine['cpu'])}"
        ratios.append(said)
    print(f"\n### Export of {rows:,} rows from PostgreSQL\n")
    print(markdown(["", "rows", "CPU a row", "wall", "written", "memory at most"], table))
    print()
    print("\n".join(ratios))


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    parser.add_argument("--quick", action="store_true", help="few rows, once")
    parser.add_argument("--run", nargs=4, metavar="ARGUMENT", help="used by this script")
    options = parser.parse_args()
    if options.run:
        which, format, folder, rows = options.run
        run(which, format, Path(folder), int(rows))
        return
    try:
        rows, rounds = (20_000, 1) if options.quick else (options.rows, options.rounds)
        compare(rows, rounds, options.formats)
    finally:
        for database in (NAME, f"{NAME}_quarter"):
            connect("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


if __name__ == "__main__":
    main()
