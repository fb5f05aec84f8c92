#!/usr/bin/env python
"""
The demo: one pass of everything, then the site, a worker and a monitor to play with.

``python example_project/demo.py`` keeps its data in ``demo.sqlite3`` beside this file and may be
run any number of times. ``--no-serve`` stops after the pass.
"""

import argparse
import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
# From a checkout that is not installed the apps lie one folder up.
sys.path.append(str(HERE.parent))

import django  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import DatabaseError  # noqa: E402
from planner import Planner  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from servers import HOST, Servers, ServersError, port_is_free  # noqa: E402

from timetracker.exceptions import TimetrackerError  # noqa: E402

ADMIN = "admin"


@dataclass(frozen=True)
class Step:
    """One line of the table: what is done, by which command, and how."""

    title: str
    command: str
    run: Callable[[], str]


def said(command: str, **options: object) -> dict[str, Any]:
    """Run a command and return what it says in JSON."""
    output = io.StringIO()
    call_command(command, json=True, stdout=output, **options)
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def migrate() -> str:
    """Bring the database up to date."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    call_command("migrate", verbosity=0)
    return f"migrations applied: {waiting}"


def create_admin() -> str:
    """Create the demo's administrator; test accounts have no rights in the admin."""
    from django.contrib.auth.models import User

    if User.objects.filter(username=ADMIN).exists():
        return f"{ADMIN} is there already"
    User.objects.create_superuser(ADMIN, "admin@example.com", ADMIN)
    return f"{ADMIN} created"


def seed() -> str:
    """Create the test account, its tasks and three days of work."""
    return f"rows created: {len(said('seed_testdata')['created'])}"


def save_today() -> str:
    """Save a day as its page does."""
    from django.utils import timezone

    from timetracker.durations import hours_minutes
    from timetracker.models import Employee, TaskCache
    from timetracker.services import save_day
    from timetracker.services.testdata import TEST_EMAIL

    now = timezone.now()
    tasks = TaskCache.objects.filter(is_active=True).order_by("external_id")[:3]
    entries = list(zip(tasks, (200, 220, 75), strict=False))
    employee = Employee.objects.get(user__username=TEST_EMAIL)
    saved = save_day(employee, timezone.localdate(now), entries, now=now)
    return (
        f"{hours_minutes(saved.total_minutes)}: {saved.added} added, {saved.changed} changed, "
        f"{saved.removed} removed"
    )


def work() -> str:
    """Let the outbox work off what is due, in this process."""
    from django_outbox.dispatcher import run_once
    from timetracker.durations import signed_hours_minutes
    from timetracker.models import DaySummary

    done = run_once(max_jobs=50)
    latest = DaySummary.objects.latest("date")
    return f"jobs done: {done}, balance now {signed_hours_minutes(latest.balance_minutes)}"


def check() -> str:
    """Run Django's system checks, and those of the apps."""
    call_command("check", stdout=io.StringIO())
    return "no issues"


def seed_plants() -> str:
    """Create solar plants with faults."""
    return f"plants made: {said('seed_plants')['plants']}"


def find_faults() -> str:
    """Let the rules look at the plants."""
    report = said("run_daily_job_automation")
    found = sum(one["found"] for one in report["rules"])
    return f"{found} found, {report['created']} new orders"


def run_reports() -> str:
    """Run three months of an optical network that is made up."""
    from optical import SampleNetwork

    from django_network_hc.models import Network
    from django_network_hc.services.folders import script_folder

    call_command("hc_setup", verbosity=0)
    sample = SampleNetwork()
    network, is_new = Network.objects.get_or_create(
        name=sample.name, removed_as=0, defaults={"customer": "Example"}
    )
    if not is_new:
        return f"there already: {network.cases.filter(state='OPEN').count()} open cases"
    call_command("hc_setup", network=network.name, verbosity=0)
    call_command("hc_setup", action="validate", network=network.name, verbosity=0)
    last: dict[str, Any] = {}
    for month in sample.write(script_folder().inside("input-hc-report"), months=3):
        files = {"report": month.report, "inventory": month.inventory}
        last = said("hc_run", network=network.name, **files)["counts"]
    return (
        f"3 reports; the last: {last['new']} new, {last['closed']} closed, "
        f"{last['open_after']} open cases"
    )


def seed_assistants() -> str:
    """Create two tenants with agents, and what their customers said."""
    said("init_system", skip_admin=True)
    sets = said("setup_demo_data")["sets"]
    if all(one["is_there"] for one in sets):
        return "there already"
    chats = sum(one["rows"]["assistants.Chat"] for one in sets)
    return f"chats made: {chats}"


def listen() -> str:
    """Find out how the customers sound."""
    report = said("analyze_sentiment")
    if not report["scored"]:
        return "nothing new was said"
    return ", ".join(f"{report[word]} {word}" for word in ("positive", "neutral", "negative"))


def write_reports() -> str:
    """Write what is counted about the assistants into files."""
    return f"files written: {sum(len(one['files']) for one in said('generate_reports')['reports'])}"


def watch() -> str:
    """Run every health check once, and keep what it said."""
    states = [one["state"] for one in said("monitor", once=True)["checks"]]
    return ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))


def synchronise(port: int) -> str:
    """Read the tasks of a second site, which owns them: at the address that it had before."""
    from timetracker.models import TaskSource

    known = TaskSource.objects.filter(url__startswith=f"http://{HOST}:").first()
    port = (urlsplit(known.url).port if known else None) or port
    if not port_is_free(port):
        return f"skipped: port {port} is taken"
    with Planner(port) as planner:
        report = said("sync_tasks", source=planner.source)
    return ", ".join(f"{report[word]} {word}" for word in ("added", "updated", "unchanged"))


def steps(port: int) -> tuple[Step, ...]:
    """Return what the demo does, in order; ``port`` is for the second site."""
    return (
        Step("Tables", "migrate", migrate),
        Step("Administrator", "", create_admin),
        Step("Test data", "seed_testdata", seed),
        Step("Another site's tasks", "sync_tasks", lambda: synchronise(port)),
        Step("A saved day", "save_day()", save_today),
        Step("The outbox", "run_once()", work),
        Step("Solar plants", "seed_plants", seed_plants),
        Step("Their faults", "run_daily_job_...", find_faults),
        Step("An optical network", "hc_run", run_reports),
        Step("Assistants", "setup_demo_data", seed_assistants),
        Step("Their customers", "analyze_sentiment", listen),
        Step("Reports on them", "generate_reports", write_reports),
        Step("System checks", "check", check),
        Step("Health checks", "monitor --once", watch),
    )


def run_steps(todo: Sequence[Step]) -> Table:
    """Run every step and return the table of what happened."""
    table = Table("Step", "Command", "Result", title="One pass of everything")
    table.add_column("Took", justify="right")
    for step in todo:
        started = time.perf_counter()
        result = step.run()
        took_ms = (time.perf_counter() - started) * 1000
        table.add_row(step.title, step.command, result, f"{took_ms:,.0f} ms")
    return table


def accounts(port: int) -> Table:
    """Return the addresses and the accounts to log in with."""
    from timetracker.services.testdata import TEST_EMAIL, TEST_PASSWORD

    table = Table("Page", "Log in as", "Password", title="Where to look")
    table.add_row(f"http://{HOST}:{port}/", TEST_EMAIL, TEST_PASSWORD)
    table.add_row(f"http://{HOST}:{port}/admin/", ADMIN, ADMIN)
    table.add_row(f"http://{HOST}:{port}/status/", ADMIN, ADMIN)
    return table


def main(arguments: Sequence[str]) -> int:
    """Run the demo and return its exit status: 0, or 1 after a sentence on stderr."""
    parser = argparse.ArgumentParser(description="One pass of everything, then the site itself.")
    parser.add_argument("--no-serve", action="store_true", help="Stop after the pass.")
    parser.add_argument("--port", type=int, default=8000, help="Port of the site (%(default)s).")
    parser.add_argument(
        "--database", default=HERE / "demo.sqlite3", help="SQLite file (%(default)s)."
    )
    options = parser.parse_args(arguments)
    errors = Console(stderr=True)
    if not options.no_serve and not port_is_free(options.port):
        errors.print(f"Port {options.port} is taken. Stop what listens there, or use --port.")
        return 1

    # Nothing of the caller's environment may lead the demo to another database.
    os.environ.pop("DJANGO_POSTGRES_SERVICE", None)
    database = Path(options.database).resolve()
    os.environ["DJANGO_DB_PATH"] = str(database)
    for name in ("script", "operations", "media"):
        place = database.with_name(f"{database.stem}-{name}")
        os.environ[f"DJANGO_{name.upper()}_DIR"] = str(place)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.development"
    django.setup()
    console = Console()
    try:
        console.print(run_steps(steps(options.port + 1)), accounts(options.port))
        if not options.no_serve:
            console.print("The site, a worker and a monitor are running. Ctrl-C stops them.")
            Servers(options.port).run()
    except (CommandError, DatabaseError, ServersError, TimetrackerError) as error:
        errors.print(f"The demo on {database} ended: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
