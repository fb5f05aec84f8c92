"""The schedule, written for cron, systemd and Celery, and watched."""

import importlib
import io
import json
import shlex
import shutil
import subprocess
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from django_system_ops.checks.schedule import check_schedule
from django_system_ops.conf import ManagementCommandsSettings, get_conf
from django_system_ops.engine.cron import CronTime
from django_system_ops.models import CommandRun, ScheduleState
from django_system_ops.services import notifying
from django_system_ops.services.schedules import overdue, systemd
from django_system_ops.services.schedules.overdue import tell_overdue, watched

NOW = datetime(2026, 11, 28, 4, 30, tzinfo=UTC)

SCHEDULE = {
    "nightly": {"command": "shop_work", "arguments": ["--tenant=a b%c"], "cron": "0 2 * * *"},
    "odd": {"command": "shop_work", "cron": "*/30 8-9 1,15 * mon"},
}


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """The machine's time zone is that of the site, or the one that a test names."""

    def set_zone(name):
        places = [Path(one) / name for one in zoneinfo.TZPATH]
        # The package has a function of the module's name.
        module = importlib.import_module("django_system_ops.services.schedules.crontab")
        monkeypatch.setattr(module, "LOCALTIME", next(one for one in places if one.exists()))

    set_zone("UTC")
    return set_zone


@pytest.fixture(autouse=True)
def schedule(configure):
    configure(schedule=SCHEDULE, history={"enabled": True, "commands": ["shop_*"]})


def written(*args):
    out = io.StringIO()
    call_command("ops_schedule", *args, stdout=out)
    return out.getvalue()


def test_format_crontab():
    lines = written("--format", "crontab").splitlines()

    assert lines[0].startswith("# Times are those of the machine")
    assert lines[1].startswith("0 2 * * * cd ")
    assert "OPSKIT_RUN_SCHEDULE=nightly" in lines[1]
    assert "'--tenant=a b\\%c'" in lines[1]
    assert lines[2].startswith("*/30 8-9 1,15 * mon cd ")


@pytest.mark.django_db(transaction=True)
def test_line_of_the_crontab_runs_the_command_and_says_who_it_is(ops_env):
    line = written().splitlines()[1]
    command = line.removeprefix("0 2 * * * ").replace("\\%", "%")

    ended = subprocess.run(
        ["/bin/sh", "-c", command],
        check=False,
        env=ops_env,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 0, ended.stderr
    run = CommandRun.objects.get()
    assert (run.source, run.schedule) == ("SCHEDULE", "nightly")
    assert run.arguments["tenant"] == "a b%c"


def test_format_systemd():
    units = json.loads(written("--format", "systemd", "--json"))["units"]

    assert sorted(units) == [
        "opskit-nightly.service",
        "opskit-nightly.timer",
        "opskit-odd.service",
        "opskit-odd.timer",
    ]
    assert "OnCalendar=*-*-* 02:00:00 UTC" in units["opskit-nightly.timer"]
    assert '"--tenant=a b%%c"' in units["opskit-nightly.service"]
    times = [line for line in units["opskit-odd.timer"].splitlines() if "OnCalendar" in line]
    assert times == [
        "OnCalendar=*-*-01,15 08,09:00,30:00 UTC",
        "OnCalendar=Mon *-*-* 08,09:00,30:00 UTC",
    ]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
@pytest.mark.parametrize(
    "cron", ["0 2 * * *", "*/7 1-5 * * 0", "0 0 1,15 * mon", "59 23 29 2 *", "5 4 * jan,dec 1-5"]
)
def test_systemd_reads_the_times(cron):
    for one in systemd.calendar(CronTime.parse(cron)):
        command = ["systemd-analyze", "calendar", one]
        ended = subprocess.run(command, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr


def test_output_writes_the_units_into_a_directory(tmp_path):
    text = written("--format=systemd", f"--output={tmp_path / 'units'}")

    assert "Wrote 4 units" in text
    assert "enable --now opskit-nightly.timer opskit-odd.timer" in text
    assert len(list((tmp_path / "units").iterdir())) == 4


def test_format_celery():
    crontab = pytest.importorskip("celery.schedules").crontab
    found: dict = {}
    exec(written("--format", "celery"), found)

    entries = found["CELERY_BEAT_SCHEDULE"]

    assert set(entries) == {"nightly", "odd (1 of 2)", "odd (2 of 2)"}
    assert entries["nightly"]["schedule"] == crontab(minute="0", hour="2")
    assert entries["nightly"]["args"] == ["nightly"]
    first = entries["odd (1 of 2)"]["schedule"]
    assert (first.day_of_month, first.day_of_week) == ({1, 15}, set(range(7)))
    assert first.minute == {0, 30}


def test_empty_schedule_is_wrong_usage(settings):
    settings.MANAGEMENT_COMMANDS = {}
    with pytest.raises(CommandError, match="is empty") as refused:
        written()
    assert refused.value.returncode == 2


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"command": "x", "cron": "61 * * * *"}, "the minute '61'"),
        ({"command": "x", "cron": "0 2 * * *", "arguments": "--a"}, "write a list"),
        ({"command": "x"}, "field required"),
        ({"command": "x", "cron": "0 2 * * *", "crom": 1}, "is not a setting"),
    ],
)
def test_wrong_entry_is_reported(configure, entry, problem):
    from django_system_ops.conf import ManagementCommandsSettings

    configure(schedule={"a": entry})

    messages = [one.message for one in ManagementCommandsSettings.problems()]

    assert any(problem in message for message in messages), messages


def run(started_at, *, status="SUCCEEDED", schedule="nightly", **values):
    return CommandRun.objects.create(
        name="shop_work",
        schedule=schedule,
        status=status,
        started_at=started_at,
        finished_at=started_at,
        **values,
    )


def state_at(now, name="nightly"):
    return next(one for one in watched(now, using="default") if one.name == name)


@pytest.mark.django_db
def test_schedule_that_was_never_due_since_it_is_watched_is_not_overdue():
    assert not state_at(NOW).is_overdue
    assert not state_at(NOW + timedelta(hours=20)).is_overdue
    assert state_at(NOW + timedelta(hours=24)).is_overdue


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hours_ago", "status", "dry", "is_overdue"),
    [
        (2.5, "SUCCEEDED", False, False),
        (2.5, "FINDINGS", False, False),
        (2.51, "SUCCEEDED", False, False),  # a little early
        (2.5, "FAILED", False, True),
        (2.5, "LOST", False, True),
        (2.5, "LOCKED", False, True),
        (2.5, "SUCCEEDED", True, True),
        (26, "SUCCEEDED", False, True),
    ],
)
def test_only_a_success_since_it_was_due_counts(hours_ago, status, dry, is_overdue):
    state_at(NOW - timedelta(days=9))
    run(NOW - timedelta(hours=hours_ago), status=status, is_dry_run=dry)

    assert state_at(NOW).is_overdue is is_overdue


@pytest.mark.django_db
def test_within_its_grace_the_time_before_counts():
    state_at(NOW - timedelta(days=9))
    run(datetime(2026, 11, 27, 2, 0, tzinfo=UTC))

    assert not state_at(datetime(2026, 11, 28, 3, 59, tzinfo=UTC)).is_overdue
    assert state_at(datetime(2026, 11, 28, 4, 0, tzinfo=UTC)).is_overdue


@pytest.mark.django_db
def test_overdue_is_told_once_and_so_is_the_recovery(monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(overdue, "notify", lambda subject, text, **_: told.append(subject))
    state_at(NOW - timedelta(days=9))
    run(NOW, schedule="odd")

    for _ in range(2):
        tell_overdue(NOW, using="default")
    tell_overdue(NOW + timedelta(days=1), using="default")
    run(NOW + timedelta(days=1))
    for _ in range(2):
        tell_overdue(NOW + timedelta(days=1), using="default")

    assert told == ["nightly is overdue", "nightly is overdue", "nightly works again"]
    assert ScheduleState.objects.get(name="nightly").told_of is None


@pytest.mark.django_db
def test_check_ends_with_3_while_something_is_overdue(monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(notifying, "_mail", lambda *args: told.append(args[0]))
    assert "is as it should be" in written("--check")
    ScheduleState.objects.update(watched_since="2020-01-01T00:00:00Z")

    with pytest.raises(CommandError, match="2 of 2 schedules") as found:
        written("--check")

    assert found.value.returncode == 3


@pytest.mark.django_db(transaction=True)
def test_published_celery_tasks_call_their_commands(monkeypatch):
    pytest.importorskip("celery")
    from django_system_ops import background, tasks
    from django_system_ops.services.schedules import running

    called: list = []
    monkeypatch.setattr(running, "call_command", lambda *a, **o: called.append((a, o)))

    for module in (tasks, background):
        for name in ("run_cleanup_task", "run_backup_task"):
            one = getattr(module, name)
            (one if module is tasks else one.func)()

    assert called == 2 * [
        (("cleanup_old_data",), {"days": 30}),
        (("backup_data",), {"tenant": "all"}),
    ]
    assert tasks.run_backup_task.name == "django_system_ops.tasks.run_backup_task"


@pytest.mark.django_db(transaction=True)
def test_scheduled_command_runs_as_a_task():
    from django_system_ops import background

    result = background.run_scheduled_command.func("nightly")

    assert result == {"command": "shop_work", "exit_status": 0}
    found = CommandRun.objects.get()
    assert (found.source, found.schedule) == ("TASK", "nightly")


def test_task_of_an_unknown_schedule_names_the_known():
    from django_system_ops import background
    from django_system_ops.exceptions import WrongUsageError

    with pytest.raises(WrongUsageError, match="has no 'weekly'; it has: nightly, odd"):
        background.run_scheduled_command.func("weekly")


def test_command_line_names_this_python_and_this_site():
    line = written().splitlines()[1]
    words = shlex.split(line.replace("\\%", "%"))

    assert str(get_conf().below_base("manage.py")) in words


def test_cron_of_another_time_zone_is_refused_with_the_way_out(configure, machine):
    machine("Asia/Tokyo")

    with pytest.raises(CommandError, match="the schedule's is UTC.*schedule_time_zone") as found:
        written("--format", "crontab")
    configure(schedule_time_zone="Asia/Tokyo")

    assert found.value.returncode == 2
    assert "Asia/Tokyo" in written("--format", "crontab").splitlines()[0]
    assert "02:00:00 Asia/Tokyo" in written("--format", "systemd")


def test_clock_of_the_process_is_not_that_of_cron(machine, monkeypatch):
    """Django sets the process's own to TIME_ZONE."""
    machine("Asia/Tokyo")
    monkeypatch.setenv("TZ", "UTC")

    with pytest.raises(CommandError, match=r"machine's time zone \(JST, \+0900 now\)"):
        written("--format", "crontab")


@pytest.mark.django_db
def test_times_are_judged_in_the_time_zone_of_the_schedule(configure):
    state_at(NOW - timedelta(days=9))
    run(datetime(2026, 11, 27, 17, 0, tzinfo=UTC))  # 02:00 in Tokyo

    assert state_at(NOW).is_overdue
    configure(schedule_time_zone="Asia/Tokyo")
    assert not state_at(NOW).is_overdue


@pytest.mark.django_db
def test_success_of_what_a_scheduled_command_calls_is_not_its_own():
    state_at(NOW - timedelta(days=9))
    found = run(NOW - timedelta(hours=1))
    CommandRun.objects.filter(pk=found.pk).update(name="shop_other")

    assert state_at(NOW).is_overdue


@pytest.mark.django_db(transaction=True)
def test_what_a_command_calls_does_not_come_from_its_schedule():
    from django_system_ops.services.origins import RunOrigin, started_from

    with started_from(RunOrigin("SCHEDULE", schedule="nightly")):
        call_command("shop_work", call=True, stdout=io.StringIO())
        call_command("shop_work", stdout=io.StringIO())

    found = CommandRun.objects.order_by("started_at").values_list("source", "schedule")
    assert sorted(found) == [("PYTHON", ""), ("SCHEDULE", "nightly"), ("SCHEDULE", "nightly")]


@pytest.mark.django_db(transaction=True)
def test_scheduled_command_that_leaves_no_history_leaves_one_for_its_schedule(configure):
    from django_system_ops.services.origins import RunOrigin, started_from

    configure(history={"except_commands": ["shop_work"]})
    call_command("shop_work", stdout=io.StringIO())
    assert not CommandRun.objects.exists()

    with started_from(RunOrigin("SCHEDULE", schedule="nightly")):
        call_command("shop_work", stdout=io.StringIO())

    assert CommandRun.objects.get().schedule == "nightly"


@pytest.mark.django_db
def test_command_that_records_nothing_is_a_warning_and_is_not_watched(settings):
    settings.MANAGEMENT_COMMANDS = {
        "schedule": {
            "sessions": {"command": "clearsessions", "cron": "0 2 * * *"},
            "typo": {"command": "backup_dat", "cron": "0 2 * * *"},
        }
    }

    assert watched(NOW, using="default") == []
    found = {one.id: f"{one.msg} {one.hint}" for one in check_schedule()}
    assert "clearsessions does not record its runs" in found["django_system_ops.W008"]
    assert "Did you mean 'backup_data'?" in found["django_system_ops.E008"]


def test_unknown_time_zone_is_reported(configure):
    configure(schedule_time_zone="Mars/Base")

    (found,) = ManagementCommandsSettings.problems()

    assert "'Mars/Base' is no time zone" in found.message


def test_every_weekday_or_the_first_is_each_day():
    assert systemd.calendar(CronTime.parse("0 2 1 * 0-6")) == ["*-*-* 02:00:00 UTC"]
