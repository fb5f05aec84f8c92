"""Imports that are killed at every step, that meet another, that have no room or little memory."""

import json
import resource
import subprocess
import sys

import pytest
from django.db import connection

from django_system_ops.models import ImportCheckpoint
from django_system_ops.services.locking import command_lock
from tests.processes import ROOT
from tests.system_ops.importing.conftest import articles, bring_in, rejects_of, slugs, written
from tests.system_ops.shop.models import Article, Tag, Tenant

pytestmark = pytest.mark.django_db(transaction=True)

# Forks a child for each number that it is told, and kills it right before its n-th statement,
# commit or change of a file below the root; says how the child ended.
KILLED = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
import django_system_ops.management.commands.import_knowledge

root, *argv = sys.argv[1:]
EVENTS = {"open", "os.rename", "os.remove", "os.truncate"}

def run(step):
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

    execute, commit = CursorWrapper.execute, BaseDatabaseWrapper._commit

    def counted(self, sql, params=None):
        count()
        return execute(self, sql, params)

    def committed(self):
        count()
        result = commit(self)
        count()
        return result

    sys.addaudithook(hook)
    CursorWrapper.execute, BaseDatabaseWrapper._commit = counted, committed
    call_command(*argv)

for line in sys.stdin:
    child = os.fork()
    if not child:
        status = 1
        try:
            sys.stdout = sys.stderr
            run(int(line))
            status = 0
        except BaseException as error:
            status = getattr(error, "returncode", 1)
            sys.stderr.write(f"{error}\\n")
        finally:
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

# The peak of the memory of an import, in MB.
PEAK = """
import io, sys
import django
django.setup()
from django.core.management import call_command
def peak():
    status = open("/proc/self/status").read()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
call_command("import_knowledge", *sys.argv[1:], stdout=io.StringIO())
print(peak())
"""


@pytest.fixture
def killed(ops_env, tmp_path):
    """Give a function that runs the command, killed at a step, and returns how it ended."""
    started = []

    def start(*argv):
        log = (tmp_path / "killed.log").open("w")
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), "import_knowledge", *argv],
            cwd=ROOT,
            env=ops_env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        started.append((process, log))

        def at(step):
            process.stdin.write(f"{step}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        return at

    yield start
    for process, log in started:
        process.kill()
        log.close()
        with process:
            pass


def nothing_is_there(tmp_path):
    Article.objects.all().delete()
    ImportCheckpoint.objects.all().delete()
    for path in tmp_path.glob("*.rejects.jsonl*"):
        path.unlink()


def test_lenient_import_that_is_killed_at_any_step_is_resumed_to_the_same_end(
    acme, killed, tmp_path
):
    rows = [*articles(4), {"slug": "?", "title": "x"}, {"slug": "b", "title": ""}]
    rows += [{**one, "slug": f"c{n}"} for n, one in enumerate(articles(3))]
    path = written(tmp_path / "data.csv", [*rows, {"slug": "a0", "title": "again"}])
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient", "--batch-size=3"]
    at = killed(*arguments)
    assert bring_in(*arguments)["status"] == 3
    rejects = rejects_of(path)
    wanted = (slugs(), rejects.read_text())
    assert (len(wanted[0]), len(wanted[1].splitlines())) == (7, 3)
    counts = set()

    for step in range(1, 1000):
        nothing_is_there(tmp_path)
        status = at(step)
        checkpoint = ImportCheckpoint.objects.first()
        assert Article.objects.count() == (checkpoint.created if checkpoint else 0)
        counts.add(Article.objects.count())

        found = bring_in(*arguments, "--resume", "--wait-lock=30")

        assert (found["status"], found["created"], found["rejected"]) == (3, 7, 3)
        assert (slugs(), rejects.read_text()) == wanted, step
        if status != -9:
            break
    assert (status, step > 30) == (3, True)
    assert counts == {0, 3, 4, 7}


def test_strict_import_that_is_killed_at_any_step_has_done_all_or_nothing(acme, killed, tmp_path):
    path = written(tmp_path / "data.jsonl", articles(5))
    arguments = [f"--file={path}", "--tenant=acme", "--batch-size=2", "--on-conflict=skip"]
    at = killed(*arguments)

    for step in range(1, 1000):
        nothing_is_there(tmp_path)
        status = at(step)
        assert Article.objects.count() in (0, 5)

        assert bring_in(*arguments, "--wait-lock=30")["status"] == 0
        assert slugs() == [f"a{n}" for n in range(5)]
        if status != -9:
            break
    assert (status, step > 15) == (0, True)


def test_second_import_of_a_type_and_tenant_ends_with_75(acme, zenith, manage, tmp_path, ops_env):
    path = written(tmp_path / "data.csv", articles(1))
    arguments = ["import_knowledge", f"--file={path}", "--tenant=acme"]

    with command_lock(["import_knowledge:knowledge:acme"]):
        met = manage(*arguments, env=ops_env)
        other = manage(*arguments[:2], "--tenant=zenith", env=ops_env)

    assert (met.returncode, "is running already" in met.stderr) == (75, True)
    assert (other.returncode, slugs()) == (0, ["a0"])


def test_two_imports_of_the_same_file_without_locks_do_not_double_a_row(acme, run_python, tmp_path):
    path = written(tmp_path / "data.csv", articles(300))
    source = (
        "import sys, django\ndjango.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('import_knowledge', *sys.argv[1:])\n"
    )
    arguments = [f"--file={path}", "--tenant=acme", "--on-conflict=skip", "--batch-size=20"]
    arguments += ["--validation=lenient", "--no-lock"]

    both = [run_python(source, *arguments) for _ in range(2)]
    for process in both:
        process.wait(60)

    assert len(slugs()) == 300


def test_memory_does_not_grow_with_the_file(db, run_python, tmp_path):
    peaks = []
    for count in (2_000, 60_000):
        path = tmp_path / f"{count}.csv"
        with path.open("w") as file:
            file.write("name\n")
            file.writelines(f"{count} and {n}\n" for n in range(count))
        process = run_python(PEAK, f"--file={path}", "--type=tags", "--batch-size=500")
        output, _ = process.communicate(timeout=120)
        peaks.append(int(output.splitlines()[-1]))

    assert Tag.objects.count() == 62_000
    assert peaks[1] < peaks[0] + 10, peaks


def test_full_disk_ends_a_lenient_import_which_can_be_resumed(acme, run_python, tmp_path):
    """A limit on the size of files stands in for the full disk; databases would hit it too."""
    if connection.vendor == "sqlite":
        pytest.skip("the limit would be the database's as well")
    rows = [*articles(2), *[{"slug": "?", "title": "x" * 30} for _ in range(20)], *articles(1)]
    rows[-1] = {"slug": "last", "title": "L"}
    path = written(tmp_path / "data.csv", rows)
    source = (
        "import resource, signal, sys, django\ndjango.setup()\n"
        "from django.core.management import call_command\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))\n"
        "call_command('import_knowledge', *sys.argv[1:])\n"
    )
    arguments = [f"--file={path}", "--tenant=acme", "--validation=lenient", "--batch-size=4"]

    process = run_python(source, *arguments)
    output, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "No room for" in output
    assert slugs() == ["a0", "a1"]
    found = bring_in(*arguments, "--resume")
    assert (found["status"], found["rejected"], slugs()) == (3, 20, ["a0", "a1", "last"])
    lines = rejects_of(path).read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == list(range(4, 24))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 700


def test_lock_of_an_import_is_by_type_and_tenant(acme):
    from django_system_ops.management.commands.import_knowledge import Command

    keys = [
        Command().lock_keys(**options)
        for options in ({}, {"tenant": "all"}, {"tenant": "acme"}, {"type": "tags"})
    ]

    assert keys == [
        ["import_knowledge:knowledge"],
        ["import_knowledge:knowledge"],
        ["import_knowledge:knowledge:acme"],
        ["import_knowledge:tags"],
    ]
    assert Tenant.objects.count() == 1
