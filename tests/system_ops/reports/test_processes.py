"""Runs that are killed, meet another, find no room, or count while others write."""

import json
import os
import signal
import threading

import pytest
from django.db import connection

from django_system_ops.sealing import whole_files
from django_system_ops.services.locking import command_lock
from django_system_ops.services.reports import documents
from tests.system_ops.reports.conftest import ALL, report, run, talk

pytestmark = pytest.mark.django_db(transaction=True)

# Dies in place of the rename of the file that argv[1] counts.
DIE = """
import os, signal, sys, pathlib, django
django.setup()
from django.core.management import call_command
rename, calls = pathlib.Path.rename, []
def die(self, target):
    calls.append(target)
    if len(calls) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
pathlib.Path.rename = die
call_command("generate_reports", *sys.argv[2:])
"""


@pytest.mark.parametrize("step", [1, 2])
def test_killed_run_leaves_whole_files_and_the_next_one_makes_the_rest(
    describe, run_python, site, step
):
    describe(talks=ALL)
    run(period="2026-10", format="json")
    before = (site / "usage_2026-10.json").read_text()
    talk()

    process = run_python(DIE, str(step), "--period=2026-10", "--format=json,md")
    assert process.wait(60) == -signal.SIGKILL

    text = (site / "usage_2026-10.json").read_text()
    assert json.loads(text)["sections"][0]["row_count"] == step - 1
    assert (text == before) is (step == 1)
    assert not (site / "usage_2026-10.md").exists()
    assert run(period="2026-10", format="json,md", wait_lock=30)["status"] == 0
    assert sorted(one.name for one in site.iterdir()) == ["usage_2026-10.json", "usage_2026-10.md"]
    assert json.loads((site / "usage_2026-10.json").read_text())["sections"][0]["row_count"] == 1


def test_two_runs_do_not_meet(describe, site):
    describe(talks=ALL)

    with command_lock(["generate_reports"], wait_seconds=0):
        said = run(period="2026-10")

    assert (said["status"], site.exists()) == (75, False)


def test_full_disk_leaves_the_report_that_was_there(describe, site, monkeypatch):
    describe(talks=ALL)
    run(period="2026-10")
    before = (site / "usage_2026-10.html").read_bytes()
    talk()

    # The device that has no room, ever: the error is the kernel's.
    monkeypatch.setattr(
        whole_files, "create_private", lambda _path: os.open("/dev/full", os.O_WRONLY)
    )
    said = run(period="2026-10")

    assert said["status"] == 1
    assert "No room for" in said["error"]
    assert (site / "usage_2026-10.html").read_bytes() == before


def test_link_in_the_place_of_a_report_is_replaced_and_not_followed(describe, site, tmp_path):
    describe(talks=ALL)
    site.mkdir()
    mine = tmp_path / "mine"
    mine.write_text("mine")
    for name in ("usage_2026-10.html", "usage_2026-10.html.part"):
        (site / name).symlink_to(mine)

    assert run(period="2026-10")["status"] == 0

    assert mine.read_text() == "mine"
    assert not (site / "usage_2026-10.html").is_symlink()


def test_all_sections_are_of_one_moment(describe, monkeypatch):
    describe(first=ALL, second=ALL)
    talk()
    measure, failures = documents._section, []

    def write():
        try:
            talk()
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    def measure_and_let_others_write(*args):
        found = measure(*args)
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        return found

    monkeypatch.setattr(documents, "_section", measure_and_let_others_write)

    counts = [section["row_count"] for section in report()["sections"]]

    assert (counts, failures) == ([1, 1], [])
