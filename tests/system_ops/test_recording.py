"""Each run of a command leaves a row, however it ends."""

import io
import json
import os
import signal
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.models import CommandRun
from django_system_ops.services import history
from django_system_ops.services.origins import RunOrigin, started_from
from tests.processes import read_until
from tests.system_ops.shop.models import Tenant

Status = CommandRun.Status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def recorded(configure):
    configure(history={"enabled": True, "commands": ["shop_*"]})


def wait_for(condition):
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


def work(**options):
    out = io.StringIO()
    call_command("shop_work", stdout=out, **options)
    return out.getvalue()


def test_run_is_recorded_with_what_it_did():
    work(api_token="s3cret", tenant="demo")

    run = CommandRun.objects.get()
    assert (run.name, run.status, run.exit_status, run.error) == ("shop_work", "SUCCEEDED", 0, "")
    assert run.counters == {"made": 1}
    assert (run.source, run.pid, run.is_stoppable) == ("PYTHON", os.getpid(), False)
    assert run.arguments["tenant"] == "demo"
    assert run.started_at <= run.finished_at
    assert run.duration_seconds >= 0
    assert run.peak_memory_bytes > 10_000_000
    assert run.output.endswith("working\n")


def test_secrets_are_in_no_column():
    with pytest.raises(ZeroDivisionError):
        work(api_token="s3cret", end="bug")

    row = CommandRun.objects.values().get()
    assert "s3cret" not in str(row)
    assert "hunter2" not in str(row)
    assert row["traceback"].startswith("Traceback")


@pytest.mark.parametrize(
    ("end", "status", "exit_status", "error"),
    [
        ("findings", Status.FINDINGS, 3, "Two rows are odd."),
        ("failure", Status.FAILED, 1, "The disk is full."),
    ],
)
def test_end_is_recorded_as_it_was(end, status, exit_status, error):
    with pytest.raises(CommandError):
        work(end=end)

    run = CommandRun.objects.get()
    assert (run.status, run.exit_status, run.error) == (status, exit_status, error)


def test_rollback_does_not_erase_the_row():
    with pytest.raises(CommandError):
        work(end="failure", inside=True)

    assert not Tenant.objects.exists()
    assert CommandRun.objects.get().status == Status.FAILED


def test_callers_transaction_does_not_erase_the_row(settings):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        work()
        raise ZeroDivisionError

    # On SQLite the caller held the only pen: the row waits in a file until the next run.
    work()
    assert CommandRun.objects.filter(status=Status.SUCCEEDED).count() == 2


def test_dry_run_is_told_apart():
    work(dry_run=True)

    assert CommandRun.objects.get().is_dry_run


def test_no_record(configure):
    work(no_record=True)

    assert not CommandRun.objects.exists()


def test_only_the_commands_that_the_site_names_are_recorded(configure):
    configure(history={"commands": ["*"], "except_commands": ["shop_*"]})

    work()

    assert not CommandRun.objects.exists()


def test_only_the_end_of_the_output_is_kept(configure):
    configure(history={"output_kib": 1})

    work(lines=1000)

    run = CommandRun.objects.get()
    assert len(run.output) == 1024
    assert run.output.endswith("working\n")


def test_source_is_known_from_those_who_call():
    with started_from(RunOrigin(CommandRun.Source.CELERY, "beat", "nightly")):
        work()

    run = CommandRun.objects.get()
    assert (run.source, run.started_by, run.schedule) == ("CELERY", "beat", "nightly")


def test_second_run_is_recorded_as_locked(manage, spawn, ops_env):
    holder = spawn("shop_work", "--hold", "60", env=ops_env)
    read_until(holder, "working")
    wait_for(CommandRun.objects.exists)

    refused = manage("shop_work", env=ops_env)

    assert refused.returncode == 75
    assert f"process {holder.pid} on " in refused.stderr
    statuses = CommandRun.objects.order_by("id").values_list("status", flat=True)
    assert list(statuses) == [Status.RUNNING, Status.LOCKED]


def test_program_is_recorded_from_the_environment_that_started_it(manage, ops_env):
    said = {"OPSKIT_RUN_SOURCE": "SCHEDULE", "OPSKIT_RUN_SCHEDULE": "nightly"}

    ended = manage("shop_work", "--json", env={**ops_env, **said})

    assert json.loads(ended.stdout) == {"made": 1}
    run = CommandRun.objects.get()
    assert (run.source, run.schedule, run.is_stoppable) == ("SCHEDULE", "nightly", True)


def test_sigterm_is_recorded_as_stopped(spawn, ops_env):
    process = spawn("shop_work", "--hold", "60", env=ops_env)
    read_until(process, "working")

    process.send_signal(signal.SIGTERM)
    process.wait(30)

    assert CommandRun.objects.get().status == Status.STOPPED


def test_killed_run_is_lost_as_soon_as_somebody_looks(spawn, ops_env):
    process = spawn("shop_work", "--hold", "60", "--inside", env=ops_env)
    read_until(process, "working")
    wait_for(CommandRun.objects.exists)
    process.send_signal(signal.SIGKILL)
    process.wait(30)

    lost = history.mark_lost(using="default")

    run = CommandRun.objects.get()
    assert [one.pk for one in lost] == [run.pk]
    assert run.status == Status.LOST
    assert "without a word" in run.error


def test_run_of_another_host_is_lost_when_its_heartbeats_stop(configure):
    configure(history={"lost_after_seconds": 60})
    work()
    run = CommandRun.objects.get()
    rows = CommandRun.objects.filter(pk=run.pk)
    rows.update(status=Status.RUNNING, process="elsewhere|1|2|3")

    assert history.mark_lost(using="default") == []
    rows.update(heartbeat_at="2020-01-01T00:00:00Z")
    assert [one.pk for one in history.mark_lost(using="default")] == [run.pk]


def test_lost_run_that_was_only_slow_is_found_again():
    work()
    run = CommandRun.objects.get()
    CommandRun.objects.update(status=Status.LOST)

    history.beat(run.run_id, {}, using="default")

    assert CommandRun.objects.get().status == Status.RUNNING


def test_stop_is_heard_by_the_run(spawn, configure, settings, ops_env):
    settings.MANAGEMENT_COMMANDS["history"]["heartbeat_seconds"] = 0.2
    env = {**ops_env, "OPSKIT_SYSTEM_OPS": json.dumps(settings.MANAGEMENT_COMMANDS, default=str)}
    process = spawn("shop_work", "--hold", "60", env=env)
    read_until(process, "working")
    wait_for(CommandRun.objects.exists)

    CommandRun.objects.update(is_stop_requested=True)
    process.wait(30)

    assert CommandRun.objects.get().status == Status.STOPPED


def test_row_waits_in_a_file_while_the_database_is_away(monkeypatch, caplog):
    from django.db import OperationalError

    def refuse(*args, **options):
        raise OperationalError("server closed the connection, password=hunter2")

    # On every database; a real server is stopped in test_outages.py.
    with monkeypatch.context() as patch:
        patch.setattr(history, "write", refuse)
        work()
    spooled = list((get_conf().state_path / "spool").glob("*.json"))
    assert (len(spooled), CommandRun.objects.count()) == (1, 0)
    assert "hunter2" not in caplog.text

    assert history.take_in(using="default") == 1
    assert CommandRun.objects.get().status == Status.SUCCEEDED
    assert not spooled[0].exists()


def test_file_that_holds_no_run_is_set_aside():
    folder = get_conf().state_path / "spool"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("[")
    (folder / "b.json").write_text('{"started_at": "yesterday"}')
    (folder / "c.json").write_text('{"colour": 1}')

    assert history.take_in(using="default") == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "a.unreadable",
        "b.unreadable",
        "c.unreadable",
    ]


def test_old_runs_are_forgotten(configure):
    configure(history={"keep_days": 7})
    work()
    work()
    first = CommandRun.objects.earliest("pk")
    CommandRun.objects.filter(pk=first.pk).update(finished_at="2020-01-01T00:00:00Z")

    history.tidy(using="default")

    assert CommandRun.objects.get() != first


def test_long_run_tidies_the_history_at_its_first_heartbeat(settings, spawn, ops_env):
    work()
    CommandRun.objects.update(status=Status.RUNNING, process="elsewhere|1|2|3")
    CommandRun.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    settings.MANAGEMENT_COMMANDS["history"]["heartbeat_seconds"] = 0.2
    env = {**ops_env, "OPSKIT_SYSTEM_OPS": json.dumps(settings.MANAGEMENT_COMMANDS, default=str)}
    process = spawn("shop_work", "--hold", "60", env=env)
    read_until(process, "working")

    wait_for(CommandRun.objects.filter(status=Status.LOST).exists)


def test_odd_characters_reach_the_database():
    work(tenant="a\0b\ud800")

    assert CommandRun.objects.get().arguments["tenant"] == "a\ufffdb?"
