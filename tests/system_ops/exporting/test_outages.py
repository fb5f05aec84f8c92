"""Exports that are killed, run out of disk, or meet: there is a whole one, or none."""

import json
import resource
import tracemalloc
from contextlib import contextmanager

import pytest
from django.utils import timezone

from django_system_ops.exceptions import LockLostError
from django_system_ops.services.exporting import batches
from django_system_ops.services.exporting.destination import Destination
from django_system_ops.services.exporting.orders import Order
from django_system_ops.services.exporting.running import export as export_order
from django_system_ops.services.locking import command_lock
from tests.system_ops.exporting.conftest import chat, export, manifest, names, refusal, rows
from tests.system_ops.shop.models import Chat, Tenant

# A child for each step; it dies right before its n-th change of the directories in question.
CRASHES = """
import json, os, signal, sys
import django
django.setup()
from django.core.management import call_command
import django_system_ops.management.commands.export_data

root, *argv = sys.argv[1:]
EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"}

def child(step):
    steps = 0

    def hook(event, arguments):
        nonlocal steps
        if event in EVENTS and str(arguments[0]).startswith(root):
            if event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR):
                steps += 1
                if steps == step:
                    os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    call_command("export_data", *argv, "--no-lock", "--json", stdout=sys.stderr)

for step in range(1, 1000):
    if not sys.stdin.readline():
        break
    pid = os.fork()
    if not pid:
        try:
            child(step)
        except BaseException as error:
            print(error, file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])), flush=True)
"""


@pytest.fixture
def killed_at_each_step(process_env, ops_env, own_folders):
    """Yield once for each step at which an export was killed; the last one ended well."""
    import subprocess
    import sys

    from tests.processes import ROOT

    def steps(*argv):
        with subprocess.Popen(
            [sys.executable, "-c", CRASHES, str(own_folders), *argv],
            cwd=ROOT,
            env=ops_env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                status = -9
                while status == -9:
                    process.stdin.write("on\n")
                    process.stdin.flush()
                    status = json.loads(process.stdout.readline())
                    yield status
                process.stdin.close()
                process.wait(30)
            finally:
                process.kill()

    return steps


@pytest.mark.django_db(transaction=True)
class TestKill:
    def test_a_new_directory_is_whole_or_not_there(self, killed_at_each_step, own_folders):
        for number in range(3):
            chat(str(number), messages=1)
        folder = own_folders / "out" / "x"
        count = 0

        for _ in killed_at_each_step("--type=chats,messages", f"--output={folder}"):
            count += 1
            if folder.exists():
                assert names(folder) == ["chats.csv", "manifest.json", "messages.csv"]
                assert manifest(folder)["exports"][0]["rows"] == 3
                break

        assert count > 8
        # What the killed ones left goes with the next one.
        export("--type=chats", f"--output={folder.parent / 'y'}")
        assert names(folder.parent) == ["x", "y"]

    def test_in_a_directory_that_is_there_the_manifest_is_last(
        self, killed_at_each_step, own_folders
    ):
        chat("new", messages=1)
        folder = own_folders / "x"
        folder.mkdir()
        arguments = ["--type=chats,messages", f"--output={folder}", "--replace"]

        for _ in killed_at_each_step(*arguments):
            if (folder / "manifest.json").exists():
                for file in manifest(folder)["files"]:
                    assert (folder / file["name"]).stat().st_size == file["bytes"]
                for name in ("chats.csv", "messages.csv", "manifest.json"):
                    (folder / name).unlink(missing_ok=True)
            else:
                # Without a manifest there is no export; what is there under a name is whole.
                for path in folder.glob("*.csv"):
                    assert len(rows(path)) == 1
                    path.unlink()

        export(*arguments)
        assert names(folder) == ["chats.csv", "manifest.json", "messages.csv"]

    def test_no_change_is_lost_to_an_incremental_one(self, killed_at_each_step, own_folders):
        expected, step = set(), 0

        def new():
            nonlocal step
            step += 1
            expected.add(f"number {step}")
            chat(f"number {step}", at=timezone.now())

        new()
        for _ in killed_at_each_step("--type=chats", "--incremental"):
            # As if long ago: only the cursor decides whether it comes once more.
            new()
        export("--type=chats", "--incremental")

        found = {
            row["title"] for path in own_folders.glob("exports/*/chats.csv") for row in rows(path)
        }
        assert found == expected
        assert step > 8


@contextmanager
def small_files(size):
    """A limit of the process stands for a full disk; every disk has it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["csv", "json", "jsonl", "xml", "xlsx"])
def test_a_full_disk_is_named_and_nothing_is_left(format, own_folders):
    import random

    letters = random.Random(1)
    owner = Tenant.objects.create(name="acme")
    Chat.objects.bulk_create(
        Chat(tenant=owner, title=f"{letters.getrandbits(700):x}", updated_at=timezone.now())
        for _ in range(2000)
    )

    with small_files(60_000):
        sentence = refusal("--type=chats", f"--format={format}", "--no-lock", status=1)

    assert "No room for " in sentence or "File too large" in sentence
    assert names(own_folders / "exports") == []


@pytest.mark.django_db
def test_a_lock_that_is_lost_stops_it_and_leaves_nothing(tmp_path):
    chat("one")

    def lost():
        raise LockLostError("Another run has taken over.")

    with pytest.raises(LockLostError):
        export_order(
            Order(["chats"], "csv", tmp_path / "x" / "y"), check=lost, advance=lambda _: None
        )

    assert names(tmp_path / "x") == []


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_meet():
    Tenant.objects.create(name="acme")
    Tenant.objects.create(name="zenith")

    with command_lock(["export_data"]):
        assert "export_data is running already" in refusal(status=75)
    with command_lock(["export_data:acme"]):
        refusal("--tenant=acme", status=75)
        export("--tenant=zenith")


@pytest.mark.django_db
def test_one_that_is_at_work_keeps_its_files(tmp_path):
    with Destination(tmp_path / "x", replace=False) as first:
        (first.staging / "chats.csv").write_text("half")
        export("--type=tags", f"--output={tmp_path / 'y'}")

        assert names(first.staging) == ["chats.csv"]
    assert names(tmp_path / "y") == ["manifest.json", "tags.csv"]
    assert [name for name in names(tmp_path) if name.startswith(".")] == []


@pytest.mark.django_db
def test_a_place_that_somebody_takes_meanwhile_is_not_written_over(tmp_path):
    place = tmp_path / "x"

    def take(_count):
        place.mkdir(exist_ok=True)
        (place / "mine.txt").write_text("mine")

    chat("one")
    with pytest.raises(Exception, match="was made by somebody else meanwhile"):
        export_order(Order(["chats"], "csv", place), check=lambda: None, advance=take)

    assert names(place) == ["mine.txt"]
    assert names(tmp_path) == ["x"]


@pytest.mark.django_db
@pytest.mark.parametrize("format", ["csv", "jsonl", "xml", "xlsx"])
def test_memory_does_not_grow_with_the_rows(format, monkeypatch, tmp_path):
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 200)
    owner = Tenant.objects.create(name="acme")

    def peak(count):
        Chat.objects.all().delete()
        Chat.objects.bulk_create(
            Chat(tenant=owner, title="x" * 200, updated_at=timezone.now()) for _ in range(count)
        )
        tracemalloc.start()
        try:
            export("--type=chats", f"--format={format}", f"--output={tmp_path / str(count)}")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    export("--type=tags", f"--format={format}")  # what is loaded once
    assert peak(8000) < peak(1000) + 500_000


@pytest.mark.django_db
def test_what_is_unfinished_of_a_workbook_is_in_the_place_that_is_tidied(tmp_path, monkeypatch):
    pytest.importorskip("xlsxwriter")
    import tempfile

    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    chat("one")
    seen = []

    def look(_count):
        seen.extend(names(elsewhere))

    order = Order(["chats"], "xlsx", tmp_path / "x")
    export_order(order, check=lambda: None, advance=look)

    assert seen == []
    assert names(tmp_path / "x") == ["chats.xlsx", "manifest.json"]
