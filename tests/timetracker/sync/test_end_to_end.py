"""The command in processes of its own: against another site, side by side, and killed."""

import json
import signal
import socket
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.processes import read_until
from tests.timetracker.sync.servers import page, task
from timetracker.models import SyncRun, TaskCache
from timetracker.sync.service import sync_tasks


class Planner:
    """The other site: its tasks, and where it serves them."""

    def __init__(self, database, port):
        self.database = database
        self.origin = f"http://127.0.0.1:{port}"

    def put(self, external_id, **values):
        """Add or change a task, as of now."""
        row = {
            "external_id": external_id,
            "display_name": external_id,
            "project_phase": "",
            "department": "",
            "discipline": "",
            "is_active": 1,
            **values,
        }
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        names = ", ".join([*row, "created_at", "updated_at"])
        marks = ", ".join("?" * (len(row) + 2))
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(
                f"REPLACE INTO timetracker_taskcache ({names}) VALUES ({marks})",
                [*row.values(), now, now],
            )

    def remove(self, external_id):
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(
                "DELETE FROM timetracker_taskcache WHERE external_id = ?", [external_id]
            )


@pytest.fixture
def planner(manage, spawn, tmp_path):
    database = tmp_path / "planner.sqlite3"
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.timetracker.sync.planner_settings",
        "OPSKIT_DATABASE": "sqlite",
        "OPSKIT_DB_NAME": str(database),
    }
    migrated = manage("migrate", "--verbosity", 0, env=env)
    assert migrated.returncode == 0, migrated.stderr
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    serving = spawn("runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}", env=env)
    read_until(serving, "Quit the server")
    return Planner(database, port)


@pytest.fixture
def run(manage):
    """Run the command and return its exit status and its document."""

    def call(*args, **env):
        env = {f"TIMETRACKER_SYNC_{key}": value for key, value in env.items()}
        ended = manage("sync_tasks", "--json", *args, env=env)
        assert ended.stdout, ended.stderr
        return ended.returncode, json.loads(ended.stdout)

    return call


def known():
    return dict(TaskCache.objects.values_list("external_id", "is_active"))


def test_another_site_is_followed_with_an_api_key(planner, run):
    access = {"SOURCE": f"{planner.origin}/api/tasks/", "API_KEY": "key-of-the-tracker"}
    planner.put("T-1", display_name="Wiring")
    planner.put("T-2")
    planner.put("T-3")

    status, first = run(**access)
    assert (status, first["mode"], first["added"]) == (0, "full", 3)

    status, nothing = run(**access)
    assert (status, nothing["mode"], nothing["not_modified"]) == (0, "incremental", True)

    planner.put("T-1", display_name="Cabling")
    planner.remove("T-2")
    status, change = run("--incremental", **access)
    assert (status, change["updated"], change["deactivated"]) == (0, 1, 0)
    assert TaskCache.objects.get(external_id="T-1").display_name == "Cabling"

    status, preview = run("--full", "--dry-run", **access)
    assert (status, preview["deactivated"], known()["T-2"]) == (0, 1, True)

    status, full = run("--full", **access)
    assert (status, full["deactivated"]) == (0, 1)
    assert known() == {"T-1": True, "T-2": False, "T-3": True}


def test_another_site_is_followed_with_oauth(planner, run):
    planner.put("T-1")

    status, document = run(
        "--source",
        f"{planner.origin}/api/tasks/",
        TOKEN_URL=f"{planner.origin}/api/token/",
        CLIENT_ID="tracker",
        CLIENT_SECRET="secret-of-the-tracker",
    )

    assert (status, document["added"]) == (0, 1)


class Held:
    """An answer that comes when the test lets it."""

    def __init__(self, server):
        self.may_go = False
        self.server = server

    def __call__(self, handler):
        while not self.may_go:
            time.sleep(0.01)
        page(task("T-2"))(handler)

    def wait_until_asked(self, times):
        give_up = time.monotonic() + 30
        while len(self.server.asked) < times:
            assert time.monotonic() < give_up, "nobody asked"
            time.sleep(0.01)


@pytest.fixture
def held(server):
    held = Held(server)
    server.script += [page(task("T-1"), next="?after=1"), held]
    yield held
    held.may_go = True


def test_of_two_runs_at_once_the_second_ends_with_status_75(server, held, spawn, run):
    first = spawn("sync_tasks", "--source", server.url)
    held.wait_until_asked(2)

    status, document = run("--source", server.url)
    held.may_go = True

    assert (status, document["exit_status"]) == (75, 75)
    output, _ = first.communicate(timeout=120)
    assert (first.returncode, "added 2" in output) == (0, True), output
    assert known() == {"T-1": True, "T-2": True}


def test_after_a_run_that_was_killed_the_next_one_works(server, held, spawn, run, make_client):
    killed = spawn("sync_tasks", "--source", server.url)
    held.wait_until_asked(2)
    killed.send_signal(signal.SIGKILL)
    killed.wait(timeout=120)
    held.may_go = True
    server.otherwise = page(task("T-1"), task("T-2"))

    too_early, _ = run("--source", server.url)
    report = sync_tasks(make_client(), now=timezone.now() + timedelta(hours=1))

    assert too_early == 75
    assert (report.added, known()) == (2, {"T-1": True, "T-2": True})
    assert list(SyncRun.objects.order_by("pk").values_list("outcome", flat=True)) == [
        "failed",
        "succeeded",
    ]


def test_a_run_that_is_asked_to_stop_gives_its_place_free(server, held, spawn, run):
    stopped = spawn("sync_tasks", "--source", server.url)
    held.wait_until_asked(2)
    stopped.send_signal(signal.SIGTERM)
    output, _ = stopped.communicate(timeout=120)
    held.may_go = True
    server.otherwise = page(task("T-1"))

    status, document = run("--source", server.url)

    assert (stopped.returncode, "Interrupted" in output) == (1, True), output
    assert (status, document["added"]) == (0, 1)
