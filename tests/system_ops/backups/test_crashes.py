"""
kill -9 at every step of a backup and of a restore: what is there is whole, and the next run ends
well.

A process forks a child for each step; an audit hook kills the child right before its n-th change
of the directories in question, or statement that changes the server's databases.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connections

from tests.processes import ROOT
from tests.system_ops.backups.conftest import before_of
from tests.system_ops.backups.sites import drop_database

CRASHES = """
import io, json, os, signal, sys
import django
from django.core.management import call_command
django.setup()
from django.conf import settings
settings.MEDIA_ROOT = os.environ["MEDIA_ROOT_OF_TEST"]
from django.db.backends.utils import CursorWrapper
import django_system_ops.management.commands.backup_data
import django_system_ops.management.commands.restore_backup

root, every, *commands = sys.argv[1:]
EVENTS = {"open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"}
WORDS = ("CREATE", "DROP", "RENAME", "ALTER", "BEGIN", "COMMIT")

def run(argv, step):
    child = os.fork()
    if not child:
        steps = 0

        def count():
            nonlocal steps
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

        def hook(event, arguments):
            if event in EVENTS and str(arguments[0]).startswith(root):
                if event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR):
                    count()

        real = CursorWrapper.execute

        def execute(self, sql, params=None):
            if str(sql).lstrip().startswith(WORDS):
                count()
            return real(self, sql, params)

        status = 1
        try:
            if step:
                sys.addaudithook(hook)
                CursorWrapper.execute = execute
            sys.stdout = sys.stderr
            call_command(*argv)
            status = 0
        except BaseException as error:
            sys.stderr.write(f"{argv}: {error}\\n")
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

for step in range(1, 1000):
    sys.stdin.readline()
    if step % int(every) and step > 2:
        print("skipped", flush=True)
        continue
    statuses = [run(json.loads(commands[0]), step)]
    if statuses[0] == -signal.SIGKILL:
        statuses += [run(json.loads(other), 0) for other in commands[1:]]
    print(json.dumps(statuses), flush=True)
    if statuses[0] != -signal.SIGKILL:
        break
"""


@pytest.fixture
def crashes(live_env, tmp_path):
    """Yield how the runs ended, step by step: the killed one, and those after it."""
    started = []

    def steps(*commands, every=1, root=tmp_path):
        with (tmp_path / "crashes.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", CRASHES, str(root), str(every), *map(json.dumps, commands)],
                cwd=ROOT,
                env={**live_env, "MEDIA_ROOT_OF_TEST": str(tmp_path / "media")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        started.append(process)
        while True:
            process.stdin.write("\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line.startswith("skipped"):
                statuses = json.loads(line or "[]")
                yield statuses
                if statuses[:1] != [-9]:
                    return

    yield steps
    for process in started:
        process.kill()
        with process:
            pass


def every(sqlite, servers):
    """Each run takes a second or two: not every step is tried."""
    return sqlite if connections["default"].vendor == "sqlite" else servers


def test_backup_that_is_killed_publishes_nothing_and_the_next_one_ends_well(
    live, key, media, command, backups, crashes, tmp_path
):
    connections[live.alias].close()
    first = command("backup_data", type="all")["id"]
    killed = 0

    for statuses in crashes(
        ["backup_data", "--type=all", "--verbosity=0"],
        ["backup_data", "--type=all", "--verbosity=0", "--verify=hash"],
        every=every(3, 4),
        root=backups,
    ):
        log = (tmp_path / "crashes.log").read_text()
        assert statuses in ([-9, 0], [0]), log
        killed += statuses[0] == -9
        for one in command("backup_data", list=True)["backups"]:
            assert one["state"] in ("complete", "unfinished"), one
            if one["state"] == "complete" and one["id"] != first:
                assert command("restore_backup", one["id"], verify="hash")["ok"] is True
                shutil.rmtree(backups / one["id"])

    assert killed >= 4
    assert command("restore_backup", first, verify="restore")["ok"] is True


def test_restore_that_is_killed_leaves_the_live_database_and_the_next_one_ends_well(
    live, key, command, crashes, aside, tmp_path
):
    was = live.rows
    made = command("backup_data", type="database")["id"]
    connections[live.alias].close()
    killed = 0

    for number, statuses in enumerate(
        crashes(
            ["restore_backup", made, f"--into={aside}", "--database=default"],
            ["restore_backup", made, f"--into={aside}", "--database=default"],
            every=every(1, 2),
        )
    ):
        log = (tmp_path / "crashes.log").read_text()
        killed += statuses[0] == -9
        # A file that was published whole right before the end is there, and is not overwritten.
        assert statuses in ([-9, 0], [0]) or "already" in log.splitlines()[-1], (number, log)
        assert live.rows_in(aside) == was
        connections[live.alias].close()
        _remove(aside)

    assert live.rows == was
    assert killed >= 3


def test_swap_that_is_killed_leaves_one_of_the_two_and_the_next_one_ends_well(
    live, key, command, crashes, tmp_path
):
    was = live.rows
    made = command("backup_data", type="database")["id"]
    connections[live.alias].close()
    kept = before_of(live, made)
    killed = 0

    for statuses in crashes(
        ["restore_backup", made, "--into-live", "--database=default"],
        every=every(1, 2),
    ):
        assert statuses in ([-9], [0]), (tmp_path / "crashes.log").read_text()
        killed += statuses[0] == -9
        # At no step is there no live database.
        assert live.rows == was
        connections[live.alias].close()
        _remove(kept)

    assert killed >= 3


def _remove(name):
    if connections["default"].vendor != "sqlite":
        drop_database(name)
        return
    for path in Path(name).parent.glob(f"{Path(name).name}*"):
        path.unlink()
