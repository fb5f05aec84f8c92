"""Runs that are killed at each place, and two at once: the end is the same."""

import json
import signal

import pytest

from django_system_ops.services.locking import command_lock
from tests.processes import read_until
from tests.system_ops.knowledge.conftest import articles, folders, run, state, versions
from tests.system_ops.library.models import Article

pytestmark = pytest.mark.django_db(transaction=True)

# Dies at a place, when it gets there for the n-th time.
DIE = """
import os, signal, sys, django
django.setup()
from django.core.management import call_command
from django_system_ops.services.cleanup import archiving
from django_system_ops.services.knowledge import journal, migrating, stepping, table, undoing
PLACES = {
    "lock": (table.Table, "locked"),
    "write": (table.Table, "write"),
    "read": (table.Table, "stored"),
    "file": (archiving.Archive, "write"),
    "close": (archiving.Archive, "close"),
    "finish": (journal.Journal, "finish"),
    "mark": (journal.Migration, "mark"),
}
place, when, at, *arguments = sys.argv[1:]
owner, name = PLACES[place]
original, calls = getattr(owner, name), []
def dying(*args, **more):
    calls.append(1)
    last = len(calls) == int(at)
    if last and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = original(*args, **more)
    if last:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(owner, name, dying)
call_command("migrate_knowledge_base", *arguments)
"""

# Waits in the second batch, its rows locked, until it is told to go on.
SLOWLY = """
import sys, time, django
django.setup()
from pathlib import Path
from django.core.management import call_command
from django_system_ops.services.knowledge.table import Table
original, calls = Table.keys, []
def keys(self, *args):
    found = original(self, *args)
    calls.append(1)
    print("keys", len(calls), flush=True)
    while len(calls) == 2 and not Path(sys.argv[1]).exists():
        time.sleep(0.01)
    return found
Table.keys = keys
call_command("migrate_knowledge_base", *sys.argv[2:])
"""


def expected(rows: int) -> list[dict[str, object]]:
    """Return what an undisturbed run makes of so many articles; and put them back."""
    run("--batch-size=2")
    found = state()
    run("--rollback")
    assert versions() == ["1.0"] * rows
    return found


@pytest.mark.parametrize(
    ("place", "when", "at"),
    [
        ("lock", "after", 2),
        ("write", "after", 2),
        ("read", "after", 3),
        ("file", "before", 2),
        ("file", "after", 1),
        ("file", "after", 4),
        ("close", "before", 1),
        ("close", "after", 2),
        ("finish", "before", 1),
        ("finish", "after", 1),
    ],
)
def test_killed_run_and_the_next_one_end_as_one_that_was_not(run_python, place, when, at):
    articles(5)
    before, after = state(), expected(5)

    killed = run_python(DIE, place, when, str(at), "--batch-size=2")
    assert killed.wait(60) == -signal.SIGKILL
    between = state()
    found = run("--batch-size=2", "--wait-lock=30")

    assert found["status"] == 0
    assert state() == after
    assert {row["version"] for row in between} <= {"1.0", "1.9", "1.10", "2.0"}

    # What was killed and what went on are one migration.
    assert run("--rollback", "--batch-size=2")["status"] == 0
    assert state() == before


@pytest.mark.parametrize(
    ("place", "when", "at"),
    [("lock", "after", 2), ("write", "after", 3), ("read", "after", 1), ("mark", "before", 1)],
)
def test_killed_rollback_is_finished_by_the_next_one(run_python, place, when, at):
    articles(5)
    before = state()
    run("--batch-size=2")

    killed = run_python(DIE, place, when, str(at), "--rollback", "--batch-size=2")
    assert killed.wait(60) == -signal.SIGKILL
    found = run("--rollback", "--batch-size=2", "--wait-lock=30")

    assert (found["status"], found["left"]) == (0, [])
    assert state() == before


def test_run_that_is_killed_may_be_taken_back_at_once(run_python):
    articles(5)
    before = state()
    run_python(DIE, "file", "after", "4", "--batch-size=2").wait(60)
    assert state() != before

    assert run("--rollback", "--wait-lock=30")["status"] == 0

    assert state() == before
    assert (folders()[0] / "step-001.jsonl.zst").exists()


def test_two_at_once_lose_nothing(run_python, tmp_path):
    articles(6)
    before, after = state(), expected(6)
    goes_on = tmp_path / "go"
    process = run_python(SLOWLY, str(goes_on), "--batch-size=2", "--no-lock")
    read_until(process, "keys 2")

    found = run("--batch-size=3", "--no-lock")
    goes_on.touch()

    assert (found["status"], process.wait(60)) == (0, 0)
    assert state() == after
    # Each was a migration of its own.
    run("--rollback")
    run("--rollback")
    assert state() == before


def test_second_run_does_not_meet_the_first(manage, ops_env):
    articles(1)
    with command_lock(["migrate_knowledge_base"]):
        found = manage("migrate_knowledge_base", "--json", env=ops_env)

    assert found.returncode == 75
    assert "is running already" in json.loads(found.stdout)["error"]
    assert versions() == ["1.0"]


def test_memory_does_not_grow_with_rows(run_python):
    measure = (
        "import resource, sys, django\n"
        "django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('migrate_knowledge_base', *sys.argv[1:])\n"
        "print('kib', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )

    def peak() -> int:
        process = run_python(measure, "--version=1.9", "--batch-size=50")
        return int(read_until(process, "kib ", seconds=60).split()[-1])

    articles(50)
    few = peak()
    made = articles(2000)
    Article.objects.update(text="x" * 20_000)
    many = peak()

    # The rows are 40 MB.
    assert Article.objects.filter(version="1.9").count() == len(made) + 50
    assert many < few + 15_000
