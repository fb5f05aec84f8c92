"""
A million old rows of 1.2 million go, with the usual way beside it in the same run.

The table has three secondary indexes, its autovacuum is off, and every sixth row is new. The usual
way asks for the first 1000 keys and deletes these until none are left; it is measured whole, on the
table filled anew. Ours is the command itself. The longest statement is that of the client, and
memory is what the process has grown by at its peak.

A second comparison is of a cascade: chats with messages and attachments, beside ``delete()`` on
1000 keys at a time.
"""

import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from subprocess import run as run_process
from typing import Any

from benchmarks._lib.accounting import peak_bytes, server_pid, tree_seconds
from benchmarks._lib.databases import fresh_database, settle
from benchmarks._lib.monitoring import configure
from benchmarks._lib.tables import markdown, number

VENDORS = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
ROWS = 1_200_000
CHATS = 60_000
NEW = datetime.now(UTC) - timedelta(days=1)
OLD = NEW - timedelta(days=365)
AT_ONCE = 1000


@dataclass
class Cost:
    """What something took."""

    wall: float = 0.0
    client: float = 0.0
    server: float = 0.0
    longest_ms: float = 0.0
    statements: int = 0
    grown_mb: float = 0.0
    rows: int = 0


@contextmanager
def measured(vendor: str) -> Iterator[Cost]:
    """Measure what is done inside, in all threads."""
    from django.db.backends.utils import CursorWrapper

    cost = Cost()
    original = CursorWrapper.execute

    def execute(*args: Any) -> Any:
        started = time.perf_counter()
        try:
            return original(*args)
        finally:
            cost.statements += 1
            cost.longest_ms = max(cost.longest_ms, 1000 * (time.perf_counter() - started))

    pid = server_pid(vendor)
    before = peak_bytes([os.getpid()])
    setattr(CursorWrapper, "execute", execute)  # noqa: B010  # not for the type checker
    server = tree_seconds([pid]) if pid else 0.0
    wall, client = time.perf_counter(), time.process_time()
    try:
        yield cost
    finally:
        cost.wall, cost.client = time.perf_counter() - wall, time.process_time() - client
        cost.server = (tree_seconds([pid]) if pid else 0.0) - server
        setattr(CursorWrapper, "execute", original)  # noqa: B010
        cost.grown_mb = (peak_bytes([os.getpid()]) - before) / 1e6


def models() -> tuple[Any, Any, Any, Any]:
    """Return the models: events for the first table, a cascade for the second."""
    from django.db import models as db

    class Event(db.Model):
        name = db.CharField(max_length=50)
        user_id = db.IntegerField(db_index=True)
        kind = db.IntegerField(db_index=True)
        text = db.CharField(max_length=200)
        created_at = db.DateTimeField(db_index=True)

        class Meta:
            app_label = "django_system_ops"

        def __str__(self) -> str:
            return self.name

    class BenchChat(db.Model):
        updated_at = db.DateTimeField(db_index=True)

        class Meta:
            app_label = "django_system_ops"

        def __str__(self) -> str:
            return str(self.pk)

    class BenchMessage(db.Model):
        chat = db.ForeignKey(BenchChat, db.CASCADE)
        text = db.CharField(max_length=200)

        class Meta:
            app_label = "django_system_ops"

        def __str__(self) -> str:
            return self.text

    class BenchAttachment(db.Model):
        message = db.ForeignKey(BenchMessage, db.CASCADE)
        name = db.CharField(max_length=200)

        class Meta:
            app_label = "django_system_ops"

        def __str__(self) -> str:
            return self.name

    return Event, BenchChat, BenchMessage, BenchAttachment


def series(vendor: str, count: int) -> str:
    """Return a table of the numbers from 1."""
    if vendor == "postgresql":
        return f"generate_series(1, {count}) AS n(i)"
    return (
        f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        "SELECT i FROM n) AS n"
    )


def insert(vendor: str, model: Any, count: int, **values: str) -> None:
    """Fill a table; each value is SQL over the number i."""
    from django.db import connection

    table = model._meta.db_table
    with connection.cursor() as cursor:
        if vendor == "sqlite":
            cursor.execute(f"DELETE FROM {table}")
        else:
            cursor.execute(f"TRUNCATE {table} RESTART IDENTITY CASCADE")
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        cursor.execute(
            f"INSERT INTO {table} (id, {', '.join(values)}) "
            f"SELECT i, {', '.join(values.values())} FROM {series(vendor, count)}"
        )
        cursor.execute("ANALYZE")
        if vendor == "postgresql":
            cursor.execute(f"VACUUM {table}")
    settle(vendor)


def moment(vendor: str, every: int) -> str:
    """Return SQL for moments one after the other, old ones and for every so many rows a new one."""
    old, new = f"{OLD:%Y-%m-%d %H:%M:%S}", f"{NEW:%Y-%m-%d %H:%M:%S}"
    if vendor == "sqlite":
        since = f"datetime('{old}', '+' || i || ' seconds')"
        return f"CASE WHEN i % {every} = 0 THEN '{new}' ELSE {since} END"
    since = f"timestamptz '{old}+00' + i * interval '1 second'"
    return f"CASE WHEN i % {every} = 0 THEN timestamptz '{new}+00' ELSE {since} END"


def fill_events(vendor: str, model: Any, rows: int) -> None:
    """Write the events."""
    at = moment(vendor, 6)
    insert(
        vendor,
        model,
        rows,
        name="'event'",
        user_id="i % 1000",
        kind="i % 17",
        text="'some words that are about as long as words of events are, number ' || i",
        created_at=at,
    )


def fill_chats(vendor: str, chat: Any, message: Any, attachment: Any, chats: int) -> None:
    """Write chats, five messages for each, and an attachment for every third message."""
    at = moment(vendor, 6)
    for model in (attachment, message):
        model.objects.all()._raw_delete("default")
    insert(vendor, chat, chats, updated_at=at)
    insert(vendor, message, 5 * chats, chat_id=f"1 + i % {chats}", text="'words ' || i")
    insert(vendor, attachment, 5 * chats // 3, message_id="i * 3", name="'file ' || i")


def usual(model: Any, date_field: str) -> None:
    """Ask for the first keys and delete these, until there are none."""
    rows = model.objects.filter(**{f"{date_field}__lt": NEW - timedelta(days=29)})
    while keys := list(rows.values_list("pk", flat=True)[:AT_ONCE]):
        model.objects.filter(pk__in=keys).delete()


def ours(name: str, *options: str) -> None:
    """Run the command."""
    from django.core.management import call_command

    output = StringIO()
    call_command("cleanup_old_data", f"--type={name}", *options, verbosity=2, stdout=output)
    print(f"    {output.getvalue().strip()}", file=sys.stderr)


def compare(
    vendor: str,
    title: str,
    model: Any,
    fill: Callable[[], None],
    works: Mapping[str, Callable[[], None]],
) -> None:
    """Fill anew for each, let it run, and print a table; the last one is the measure."""
    costs: dict[str, Cost] = {}
    for name, work in works.items():
        fill()
        before = model.objects.count()
        with measured(vendor) as cost:
            work()
        cost.rows = before - model.objects.count()
        costs[name] = cost
    peer = list(costs.values())[-1]
    head = ["", "rows", "wall", "CPU client", "CPU server", "longest statement", "statements"]
    head += ["memory", "wall, peer's", "CPU, peer's"]
    rows = [
        [
            name,
            f"{one.rows:,}",
            number(one.wall, " s"),
            number(one.client, " s"),
            number(one.server, " s"),
            number(one.longest_ms, " ms"),
            f"{one.statements:,}",
            number(one.grown_mb, " MB more"),
            number(peer.wall / one.wall),
            number((peer.client + peer.server) / (one.client + one.server)),
        ]
        for name, one in costs.items()
    ]
    print(f"\n### {title}\n\n{markdown(head, rows)}", flush=True)


def measure(vendor: str, *, rows: int, chats: int, with_peer: bool, only: str) -> None:
    """Make a database, let all run on it, and print the tables."""
    with tempfile.TemporaryDirectory() as folder, fresh_database(vendor, "cleanup") as database:
        types = {
            "events": {"model": "django_system_ops.Event", "date_field": "created_at"},
            "chats": {"model": "django_system_ops.BenchChat", "date_field": "updated_at"},
        }
        configure(
            database,
            Path(folder),
            app="django_system_ops",
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            MANAGEMENT_COMMANDS={
                "history": {"enabled": False},
                "cleanup": {
                    "types": {name: {**one, "shared": True} for name, one in types.items()}
                },
            },
        )
        from django.db import connection

        event, chat, message, attachment = models()
        with connection.schema_editor() as editor:
            for model in (event, chat, message, attachment):
                editor.create_model(model)
        ways = {"as it is": (), "--batch-size=5000": ("--batch-size=5000",)}
        if vendor == "postgresql":
            ways |= {"--jobs=1": ("--jobs=1",)}
        if only != "chats":
            peer = {"first 1000 keys, delete()": partial(usual, event, "created_at")}
            compare(
                vendor,
                f"{rows * 5 // 6:,} of {rows:,} rows on {VENDORS[vendor]}",
                event,
                partial(fill_events, vendor, event, rows),
                {name: partial(ours, "events", *options) for name, options in ways.items()}
                | (peer if with_peer else {}),
            )
        if only != "events":
            peer = {"first 1000 keys, delete()": partial(usual, chat, "updated_at")}
            compare(
                vendor,
                f"{chats * 5 // 6:,} of {chats:,} chats with {chats * 5:,} messages and "
                f"{chats * 5 // 3:,} attachments on {VENDORS[vendor]}",
                chat,
                partial(fill_chats, vendor, chat, message, attachment, chats),
                {name: partial(ours, "chats", *options) for name, options in ways.items()}
                | (peer if with_peer else {}),
            )


def main() -> int:
    """Measure each database in a process of its own."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--database", choices=VENDORS, help="this one alone")
    parser.add_argument("--no-peer", action="store_true", help="ours alone")
    parser.add_argument("--only", choices=["events", "chats"], default="")
    options = parser.parse_args()
    if options.database:
        scale = 10 if options.quick else 1
        measure(
            options.database,
            rows=ROWS // scale,
            chats=CHATS // scale,
            with_peer=not options.no_peer,
            only=options.only,
        )
        return 0
    failed = 0
    for vendor in VENDORS:
        command = [sys.executable, "-m", "benchmarks.cleanup", "--database", vendor]
        failed |= run_process([*command, *sys.argv[1:]], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
