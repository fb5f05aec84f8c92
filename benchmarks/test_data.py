"""
Half a million made-up rows: agents, chats and messages of the example, then gone again.

The limit is 50,000 rows a second. Beside it, in the same run, is the usual way on a part of that:
model objects, a call of Faker for each value, and bulk_create. Both have the indexes, the checks
and the foreign keys of the tables.
"""

import os
import sys
import tempfile
import time
from argparse import ArgumentParser
from io import StringIO
from pathlib import Path
from subprocess import run as run_process
from typing import Any

from benchmarks._lib.accounting import peak_bytes
from benchmarks._lib.databases import fresh_database, settle
from benchmarks._lib.monitoring import configure
from benchmarks._lib.peers import MissingError
from benchmarks._lib.tables import markdown, number

VENDORS = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}
ROWS = 500_000
USUAL = 10_000
LIMIT = 50_000
EXAMPLE = Path(__file__).resolve().parent.parent / "example_project"
APPS = ["contenttypes", "auth"]


def measure(vendor: str, rows: int) -> None:
    """Measure one database in this process, and print its rows of the table."""
    sys.path.append(str(EXAMPLE))
    with fresh_database(vendor, "made_up") as database, tempfile.TemporaryDirectory() as folder:
        configure(
            database,
            Path(folder),
            app="django_system_ops",
            INSTALLED_APPS=[
                *(f"django.contrib.{name}" for name in APPS),
                "django_system_ops",
                "assistants",
            ],
            MEDIA_ROOT=folder,
            MANAGEMENT_COMMANDS=commands(folder),
        )
        from assistants.models import Tenant

        for slug in ("demo", "demo2"):
            Tenant.objects.create(slug=slug, name=slug)
        # Once, so that what is imported at the first run is.
        ours(100)
        usual_s = usual(USUAL)
        settle(vendor)
        before = peak_bytes([os.getpid()])
        wall, cpu = time.perf_counter(), time.process_time()
        made = ours(rows)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        grown = (peak_bytes([os.getpid()]) - before) / 1e6
        settle(vendor)
        cleaned = time.perf_counter()
        clean()
        cleaned = time.perf_counter() - cleaned
    speed = made / wall
    head = ["database", "way", "rows", "rows/s", "client", "memory", "removed", "limit"]
    print(
        markdown(
            head,
            [
                [
                    VENDORS[vendor],
                    "create_test_data",
                    f"{made:,}",
                    f"{speed:,.0f}",
                    number(cpu / made * 1e6, " us/row"),
                    f"+{grown:.0f} MB",
                    f"{made / cleaned:,.0f}/s",
                    f"{LIMIT:,}/s: {'met' if speed >= LIMIT else 'missed'}",
                ],
                [
                    VENDORS[vendor],
                    "Faker, bulk_create",
                    f"{USUAL:,}",
                    f"{USUAL / usual_s:,.0f}",
                    *["-"] * 4,
                ],
            ],
        ),
        flush=True,
    )


def commands(folder: str) -> dict[str, Any]:
    """Return the settings of the commands."""
    return {
        "state_directory": folder,
        "history": {"enabled": False},
        "tenants": {"model": "assistants.Tenant", "name_field": "slug"},
        "test_data": {
            "scenarios": {
                "chats": {
                    "assistants.Agent": {"count": 20},
                    "assistants.Chat": {"share": 1},
                    "assistants.Message": {"per": {"assistants.Chat": 8}},
                }
            }
        },
    }


def ours(rows: int) -> int:
    """Run the command, and return how many rows there are of it."""
    import json

    from django.core.management import call_command

    output = StringIO()
    call_command(
        "create_test_data",
        scenario="chats",
        count=rows,
        allow_production=True,
        json=True,
        skip_checks=True,
        stdout=output,
    )
    return sum(json.loads(output.getvalue())["rows"].values())


def clean() -> None:
    """Remove them all."""
    from django.core.management import call_command

    call_command("create_test_data", clean=True, skip_checks=True, stdout=StringIO())


def usual(rows: int) -> float:
    """Make messages as one does by hand; return how long it took."""
    import random
    from datetime import UTC

    from faker import Faker

    from assistants.models import Chat, Message

    fake = Faker()
    started = time.perf_counter()
    chats = list(Chat.objects.values_list("pk", flat=True))
    made = Message.objects.bulk_create(
        (
            Message(
                chat_id=random.choice(chats),  # noqa: S311  # made-up data
                role=fake.random_element(("user", "agent")),
                text=fake.paragraph(),
                created_at=fake.date_time_this_year(tzinfo=UTC),
            )
            for _ in range(rows)
        ),
        batch_size=2000,
    )
    took = time.perf_counter() - started
    Message.objects.filter(pk__gte=made[0].pk).delete()
    return took


def main() -> int:
    """Measure each database in a process of its own."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--database", choices=VENDORS, help="this one alone")
    options = parser.parse_args()
    if options.database:
        try:
            measure(options.database, ROWS // 10 if options.quick else ROWS)
        except MissingError as error:
            print(f"{VENDORS[options.database]} is left out: {error}")
        return 0
    failed = 0
    for vendor in VENDORS:
        command = [sys.executable, "-m", "benchmarks.test_data", "--database", vendor]
        failed |= run_process([*command, *sys.argv[1:]], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
