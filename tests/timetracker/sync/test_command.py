"""manage.py sync_tasks."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_opskit.commands import FindingsError, LockHeldError, UsageError
from django_opskit.signals import command_finished
from tests.timetracker.sync.factories import TaskFactory, TaskSourceFactory
from tests.timetracker.sync.servers import page, status, task, tombstone
from timetracker.management.commands.sync_tasks import Command
from timetracker.models import TaskCache, TaskSource
from timetracker.sync.lease import Lease

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def conf(settings, server):
    settings.TIMETRACKER_SYNC = {"SOURCE": server.url, "MAX_ATTEMPTS": 1}
    return settings.TIMETRACKER_SYNC


@pytest.fixture
def run(capsys):
    """Run the command and return what it printed."""

    def call(*args):
        call_command("sync_tasks", *args)
        return capsys.readouterr().out

    return call


def test_it_tells_what_it_did(server, run):
    server.script += [page(task("T-1"), task("T-2"))]

    assert run() == (
        "Synchronisation (full) done: added 2, updated 0, deactivated 0, unchanged 0, rejected 0.\n"
    )


def test_it_runs_without_any_option_as_code_may_call_it(server):
    server.script += [page(task("T-1"))]

    Command().handle()

    assert TaskCache.objects.count() == 1


def test_the_source_can_be_given(server, other_server, run):
    other_server.script += [page(task("T-1"))]

    run("--source", other_server.url)

    assert TaskSource.objects.get().url == other_server.url


def test_json_holds_everything(server, run):
    source = TaskSourceFactory(url=server.url)
    TaskFactory(source=source, external_id="T-1")
    server.script += [page(task("T-1", name="Cabling"), task("T-2"))]

    document = json.loads(run("--json"))

    assert document.pop("run") is not None
    assert document == {
        "source": server.url,
        "mode": "full",
        "dry_run": False,
        "fell_back": False,
        "not_modified": False,
        "added": 1,
        "updated": 1,
        "deactivated": 0,
        "unchanged": 0,
        "rejected": 0,
        "left_active": 0,
        "changes": [
            {
                "task": "T-1",
                "action": "updated",
                "name": "Cabling",
                "fields": {"display_name": ["Task T-1", "Cabling"]},
            },
            {"task": "T-2", "action": "added", "name": "Task T-2", "fields": {}},
        ],
        "rejections": [],
    }


def test_a_dry_run_lists_each_change(server, run):
    source = TaskSourceFactory(url=server.url)
    for external_id in ("T-1", "T-2", "T-3"):
        TaskFactory(source=source, external_id=external_id)
    server.script += [page(task("T-1", name="Cabling"), tombstone("T-3"), task("T-4"))]

    lines = run("--dry-run", "--full", "--max-deactivate-percent", "70").splitlines()

    assert lines == [
        "~ T-1 'Cabling': display_name 'Task T-1' -> 'Cabling'",
        "- T-3 'Task T-3': is_active True -> False, "
        "source_updated_at 2026-03-01T12:00:00Z -> 2026-03-02T08:00:00Z",
        "+ T-4 'Task T-4'",
        "- T-2 'Task T-2': is_active True -> False",
        "Synchronisation (full) would do: "
        "added 1, updated 1, deactivated 2, unchanged 0, rejected 0.",
    ]
    assert TaskCache.objects.filter(is_active=True).count() == 3


def test_an_incremental_run_that_could_not_be_says_so(server, run):
    server.script += [page()]

    assert "No earlier synchronisation of this source" in run("--incremental")


def test_a_list_that_has_not_changed_says_so(server, run):
    TaskSourceFactory(url=server.url, cursor="2026-03-02T08:00:00Z", etag='"v1"')
    server.script += [status(304)]

    assert run().splitlines() == [
        "The source says that nothing has changed.",
        "Synchronisation (incremental) done: "
        "added 0, updated 0, deactivated 0, unchanged 0, rejected 0.",
    ]


def test_rejected_records_are_named_and_make_status_3(server, capsys):
    TaskFactory(source=TaskSourceFactory(url=server.url), external_id="T-9")
    server.script += [page(task("T-1", name=""), {"name": "?"}, task("T-2"))]

    with pytest.raises(FindingsError, match=r"2 record\(s\) were rejected") as caught:
        call_command("sync_tasks")

    assert caught.value.returncode == 3
    assert TaskCache.objects.filter(external_id="T-2").exists()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("rejected: task 'T-1': name: ")
    assert lines[1].startswith("rejected: record 2 of page 1: id: ")
    assert lines[2].startswith("1 task(s) are missing from the list and stay active")


def test_the_counters_go_out_with_the_signal(server):
    seen = []

    def note(counters, **facts):
        seen.append(counters)

    server.script += [page(task("T-1"))]
    command_finished.connect(note)
    try:
        call_command("sync_tasks", verbosity=0)
    finally:
        command_finished.disconnect(note)

    assert seen[0]["added"] == 1


@pytest.mark.parametrize(
    ("args", "conf_keys", "sentence"),
    [
        (["--full", "--incremental"], {}, "exclude each other"),
        (["--max-deactivate-percent", "101"], {}, "must be 0 to 100"),
        ([], {"SOURCE": ""}, "No source is known: give --source"),
        (["--source", "http://example.com/"], {}, "plain http"),
        (["--source", "https://example.com/"], {"API_KEY": "s3cret"}, "are not sent to"),
        ([], {"PAGE_SIZE": 0}, r"TIMETRACKER_SYNC\['PAGE_SIZE'\]"),
    ],
)
def test_wrong_usage_is_status_2_and_asks_nobody(server, conf, args, conf_keys, sentence):
    conf.update(conf_keys)

    with pytest.raises(UsageError, match=sentence) as caught:
        call_command("sync_tasks", *args, skip_checks=True)

    assert caught.value.returncode == 2
    assert server.asked == []


def test_a_source_that_fails_is_status_1(server):
    server.script += [status(500)]

    with pytest.raises(CommandError, match="status 500") as caught:
        call_command("sync_tasks")

    assert caught.value.returncode == 1


def test_a_run_at_work_is_status_75(server):
    Lease.take(server.url, full=False, now=timezone.now(), seconds=60)

    with pytest.raises(LockHeldError, match="at work") as caught:
        call_command("sync_tasks")

    assert caught.value.returncode == 75
    assert server.asked == []
