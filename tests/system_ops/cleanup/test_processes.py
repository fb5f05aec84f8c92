"""Runs that are killed, stopped, met by another, or left alone by the database."""

import json
import signal

import pytest
from django.db import connection, connections

from django_system_ops.services.cleanup.archiving import read_archive
from django_system_ops.services.locking import command_lock
from tests.private_servers import PrivatePostgreSQL
from tests.processes import read_until
from tests.system_ops.cleanup.conftest import chats, clean, events
from tests.system_ops.shop.models import Chat, Event, Message

pytestmark = pytest.mark.django_db(transaction=True)

# Says so after each batch, and after the third stops until it is killed.
SLOWLY = """
import sys, time, django
django.setup()
from django.core.management import call_command
from django_system_ops.services.cleanup import running
from django_system_ops.services.cleanup.jobs import Brake
goes_on, calls = Brake.goes_on, []
def slowly(self):
    calls.append(1)
    print("batch", len(calls), flush=True)
    while len(calls) > 3 and "--stay" in sys.argv:
        time.sleep(0.01)
    return goes_on(self)
Brake.goes_on = slowly
call_command("cleanup_old_data", *[one for one in sys.argv[1:] if one != "--stay"])
"""

# Dies between the archive and the rows of the second batch.
BETWEEN = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from django_system_ops.services.cleanup import batches
carry_out, calls = batches.carry_out, []
def die(*args):
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return carry_out(*args)
batches.carry_out = die
call_command("cleanup_old_data", *sys.argv[1:])
"""


def test_killed_run_is_finished_by_the_next_one(run_python):
    chats(20, messages=3)
    kept = chats(1, days=1, messages=3)
    process = run_python(SLOWLY, "--type=chats", "--batch-size=2", "--jobs=1", "--stay")
    read_until(process, "batch 4")
    process.kill()
    process.wait(30)

    assert Chat.objects.count() == 15
    connection.check_constraints()
    found = clean("--wait-lock=30")

    assert (found["status"], found["types"]["chats"]["rows"]["shop.Chat"]) == (0, 14)
    assert list(Chat.objects.all()) == kept
    assert Message.objects.count() == 3


def test_run_that_is_killed_between_archive_and_rows_has_archived_more_than_went(
    run_python, tmp_path
):
    events(6)
    folder = tmp_path / "old"
    arguments = ["--type=events", f"--archive={folder}", "--batch-size=2", "--jobs=1"]
    before = set(Event.objects.values_list("pk", flat=True))

    assert run_python(BETWEEN, *arguments).wait(60) == -signal.SIGKILL

    left = set(Event.objects.values_list("pk", flat=True))
    (part,) = folder.glob("*.part")
    archived = {row["pk"] for row in read_archive(part)}
    assert (len(left), len(archived)) == (4, 4)
    assert archived >= before - left

    clean(*arguments, "--wait-lock=30")
    (second,) = folder.glob("*.zst")
    assert {row["pk"] for row in read_archive(second)} == left
    assert not Event.objects.exists()


def test_sigterm_ends_it_after_the_batch(spawn, ops_env):
    events(4)
    process = spawn(
        "shell",
        "-c",
        SLOWLY.replace("sys.argv[1:]", "sys.argv")
        .replace(
            '[one for one in sys.argv if one != "--stay"]',
            '["--type=events", "--batch-size=1", "--jobs=1"]',
        )
        .replace('"--stay" in sys.argv', "True")
        .replace("while len", "while not self._pulled.is_set() and len")
        .replace(
            "call_command(",
            "from django_opskit.stopping import terminate_as_interrupt\n"
            "with terminate_as_interrupt(): call_command(",
        ),
        env=ops_env,
    )
    read_until(process, "batch 4")
    process.terminate()
    output, _ = process.communicate(timeout=120)

    assert process.returncode != 0
    assert Event.objects.count() == 1
    assert "events: removed: 3 shop.Event" in output


def test_two_at_once_do_not_meet(manage, ops_env):
    events(1)
    with command_lock(["cleanup_old_data"]):
        found = manage("cleanup_old_data", "--json", env=ops_env)

    assert found.returncode == 75
    assert "cleanup_old_data is running already" in json.loads(found.stdout)["error"]
    assert Event.objects.count() == 1


def test_two_tenants_may_be_cleaned_at_once(manage, ops_env):
    chats(1, tenant="acme")
    chats(1, tenant="zenith")
    with command_lock(["cleanup_old_data:acme"]):
        assert manage("cleanup_old_data", "--tenant=acme", env=ops_env).returncode == 75
        assert manage("cleanup_old_data", "--tenant=zenith", env=ops_env).returncode == 0

    assert Chat.objects.get().tenant.name == "acme"


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_error_of_one_job_stops_all_and_what_is_left_is_said(monkeypatch):
    from django_system_ops.services.cleanup import batches

    events(100)
    original, calls = batches.RangeBatches.step, []

    def fail(self, after, until):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(5, "Input/output error")
        return original(self, after, until)

    monkeypatch.setattr(batches.RangeBatches, "step", fail)
    found = clean("--type=events", "--batch-size=1", "--jobs=4")

    assert (found["status"], found["sentence"]) == (1, "Input/output error.")
    assert found["types"]["events"]["left"] == Event.objects.count() > 50
    assert found["complete"] is False


@pytest.mark.postgresql
def test_database_that_goes_away_is_one_sentence(spawn, ops_env):
    PrivatePostgreSQL.require()
    server = PrivatePostgreSQL().start()
    try:
        env = {**ops_env, **server.environment()}
        assert spawn("migrate", "--run-syncdb", "--verbosity=0", env=env).wait(120) == 0
        fill = "from tests.system_ops.cleanup.conftest import events\nevents(50)\n"
        assert spawn("shell", "-c", fill, env=env).wait(60) == 0
        slowly = (
            "import sys\n"
            "from django.core.management import execute_from_command_line\n"
            "from django_system_ops.services.cleanup.batches import RangeBatches\n"
            "step, calls = RangeBatches.step, []\n"
            "def wait(self, after, until):\n"
            "    calls.append(1)\n"
            "    if len(calls) == 3:\n"
            "        print('third', file=sys.stderr, flush=True)\n"
            "        sys.stdin.readline()\n"
            "    return step(self, after, until)\n"
            "RangeBatches.step = wait\n"
            "execute_from_command_line(['x', 'cleanup_old_data', '--type=events', '--jobs=1',"
            " '--batch-size=2', '--json', '--no-lock'])\n"
        )
        import subprocess

        process = spawn("shell", "-c", slowly, env=env, stdin=subprocess.PIPE)
        read_until(process, "third")
        server.stop()
        process.stdin.write("on\n")
        process.stdin.flush()
        output = process.stdout.read()
        assert process.wait(60) == 1
    finally:
        server.end()

    assert "The database said: " in output
    assert "Traceback" not in output
    document = json.loads(next(line for line in output.splitlines() if line.startswith("{")))
    assert document["types"]["events"]["rows"] == {"shop.Event": 4}
    assert (document["complete"], document["types"]["events"]["left"]) == (False, None)
    connections.close_all()
