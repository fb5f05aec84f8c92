"""The history in the admin, and starting a command there."""

import io
import re
import subprocess

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from django_opskit.identity import process_name
from django_system_ops import background
from django_system_ops.admin.parsers import command_form
from django_system_ops.checks.admin import check_admin_allow
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.models import CommandRun
from django_system_ops.services import history
from django_system_ops.services.known_commands import load
from django_system_ops.services.origins import RunOrigin, started_from
from django_system_ops.services.run_files import spool_file, write_json
from django_system_ops.services.starting import (
    launch,
    launch_beside,
    queue,
    request_stop,
)

Status = CommandRun.Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def allow(configure):
    configure(
        history={"enabled": True, "commands": ["shop_*", "ops_settings"], "except_commands": []},
        admin_allow=["shop_work", "ops_settings"],
    )


@pytest.fixture
def programs(monkeypatch, ops_env):
    """Let the programs that this process launches find this test's database."""
    for name in ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ops_env.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def launched(monkeypatch):
    """Collect what would be started, instead of starting it."""
    started: list[int] = []
    monkeypatch.setattr("django_system_ops.admin.runs.start", lambda run: started.append(run.pk))
    return started


@pytest.fixture
def staff(client):
    def login(*permissions):
        user = User.objects.create_user("ann", is_staff=True)
        codenames = [one.partition(".")[2] for one in permissions]
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return login


VIEW, RUN = "django_system_ops.view_commandrun", "django_system_ops.run_command"


def url(name, *args):
    return reverse(f"admin:django_system_ops_commandrun_{name}", args=args)


def page(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_list_shows_runs_and_filters_by_command(admin_client):
    for name, status in (("backup_data", "SUCCEEDED"), ("shop_work", "FAILED")):
        CommandRun.objects.create(name=name, status=status, error="no disk")

    assert "backup_data" in page(admin_client.get(url("changelist")))
    only = page(admin_client.get(url("changelist"), {"command": "shop_work"}))
    assert 'class="dso-badge dso-badge-bad">failed' in only
    assert "backup_data</a></th>" not in only


def test_run_shows_output_arguments_traceback_and_the_chart(admin_client):
    for number in range(3):
        run = CommandRun.objects.create(
            name="shop_work",
            status="FAILED",
            output=f"<b>line</b> {number}",
            arguments={"tenant": "demo", "json": False},
            traceback="Traceback: here",
            duration_seconds=number,
            started_at="2026-11-28T04:30:00Z",
            finished_at="2026-11-28T04:31:00Z",
            counters={"made": 7},
        )

    text = page(admin_client.get(url("change", run.pk)))

    assert "&lt;b&gt;line&lt;/b&gt; 2" in text
    assert "<dt>tenant</dt><dd>demo</dd>" in text
    assert "Traceback: here" in text
    assert "<svg" in text
    assert "http-equiv" not in text


def test_page_of_a_run_at_work_loads_itself_again(admin_client):
    run = CommandRun.objects.create(name="shop_work", status="RUNNING", process="x|1|2|3")

    assert '<meta http-equiv="refresh" content="2">' in page(
        admin_client.get(url("change", run.pk))
    )


@pytest.mark.parametrize("pk", ["999", "x", "9" * 30])
def test_run_that_is_not_there_is_not_found(admin_client, pk):
    assert admin_client.get(url("changelist") + f"{pk}/change/").status_code in (302, 404)


def test_nobody_starts_a_command_without_the_permission(staff, launched):
    client = staff(VIEW)

    assert "Start a command" not in page(client.get(url("changelist")))
    assert client.get(url("start_list")).status_code == 403
    assert client.get(url("start", "shop_work")).status_code == 403
    assert client.post(url("start", "shop_work"), {}).status_code == 403
    assert launched == []


def test_permission_of_one_command_opens_that_one(staff, configure):
    configure(admin_allow=None)
    configure(admin_allow={"shop_work": VIEW, "ops_settings": RUN})
    client = staff(VIEW)

    text = page(client.get(url("start_list")))

    assert "shop_work" in text
    assert "ops_settings" not in text
    assert client.get(url("start", "ops_settings")).status_code == 403


def test_command_that_the_site_does_not_name_is_not_found(admin_client):
    assert admin_client.get(url("start", "flush")).status_code == 404
    assert admin_client.post(url("start", "flush"), {}).status_code == 404


def test_form_offers_the_commands_own_options_and_no_secrets(admin_client):
    text = page(admin_client.get(url("start", "shop_work")))

    names = set(re.findall(r'name="o_(\w+)"', text))
    assert names == {"end", "hold", "inside", "lines", "tenant", "call", "mail", "names", "words"}
    assert "Show what it would do" in text


def test_dry_run_comes_first_and_then_the_real_one(admin_client, launched, programs):
    form = {"o_end": "good", "o_hold": "0", "o_lines": "2", "o_tenant": "-x demo"}
    response = admin_client.post(url("start", "shop_work"), form)

    shown = CommandRun.objects.get()
    assert response.url == url("change", shown.pk)
    assert shown.argv[0] == "--dry-run"
    assert "--tenant=-x demo" in shown.argv
    assert (shown.is_dry_run, shown.status, shown.started_by) == (True, "PENDING", "admin")
    assert launch(shown.pk) == Status.SUCCEEDED
    text = page(admin_client.get(url("change", shown.pk)))
    assert "line 1 token=" in text
    assert "Do it for real" in text

    admin_client.post(url("confirm", shown.pk))
    real = CommandRun.objects.exclude(pk=shown.pk).get()
    assert "--dry-run" not in real.argv
    assert launched == [shown.pk, real.pk]
    assert launch(real.pk) == Status.SUCCEEDED


def test_failed_dry_run_cannot_be_confirmed(admin_client, launched):
    run = queue("shop_work", [], {}, started_by="admin", is_dry_run=True)
    CommandRun.objects.update(status="FAILED")

    assert admin_client.post(url("confirm", run.pk)).status_code == 403
    assert admin_client.get(url("confirm", run.pk)).status_code == 405


def test_command_without_a_dry_run_is_confirmed_first(admin_client, launched):
    asked = page(admin_client.post(url("start", "ops_settings"), {"o_section": "cleanup"}))
    assert "ops_settings -- cleanup" in asked
    assert launched == []

    form = {"o_section": "cleanup", "confirmed": "1"}
    admin_client.post(url("start", "ops_settings"), form)

    run = CommandRun.objects.get()
    assert (run.argv, run.is_dry_run, launched) == (["--", "cleanup"], False, [run.pk])


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"o_end": "badly"}, "Select a valid choice"),
        ({"o_end": "good", "o_hold": "long"}, "Enter a number"),
        ({"o_end": "good", "o_lines": "1.5"}, "Enter a whole number"),
    ],
)
def test_wrong_value_is_shown_and_nothing_starts(admin_client, launched, form, problem):
    assert problem in page(admin_client.post(url("start", "shop_work"), form))
    assert launched == []
    assert not CommandRun.objects.exists()


def test_value_cannot_become_an_option(admin_client, launched):
    admin_client.post(url("start", "ops_settings"), {"o_section": "--traceback", "confirmed": "1"})

    assert CommandRun.objects.get().argv == ["--", "--traceback"]


def test_launched_program_records_itself_under_the_row(programs):
    run = queue("shop_work", ["--lines=3"], {"lines": 3}, started_by="ann", is_dry_run=False)

    assert launch(run.pk) == Status.SUCCEEDED

    found = CommandRun.objects.get()
    assert (found.pk, found.source, found.started_by) == (run.pk, "ADMIN", "ann")
    assert found.is_stoppable
    assert found.counters == {"made": 1}
    assert "line 2" in found.output


def test_task_that_is_delivered_twice_starts_one_program(programs):
    run = queue("shop_work", [], {}, started_by="ann", is_dry_run=False)

    assert [launch(run.pk), launch(run.pk)] == [Status.SUCCEEDED, Status.SUCCEEDED]
    assert CommandRun.objects.count() == 1


def test_program_that_does_not_come_to_recording_its_end_is_told_of(programs):
    run = queue("shop_work", ["--nonsense"], {}, started_by="ann", is_dry_run=False)

    assert launch(run.pk) == Status.REFUSED

    found = CommandRun.objects.get()
    assert "unrecognized arguments: --nonsense" in found.error
    assert found.exit_status == 2


def test_run_that_waits_never_begins_when_it_is_stopped(admin_client):
    run = queue("shop_work", [], {}, started_by="ann", is_dry_run=False)

    admin_client.post(url("stop", run.pk))

    assert launch(run.pk) == Status.STOPPED
    assert CommandRun.objects.get().started_at is None


def test_stop_button_ends_the_program(admin_client, programs):
    run = queue("shop_work", ["--hold=60"], {}, started_by="ann", is_dry_run=False)
    thread = launch_beside(run.pk)
    wait_for(lambda: "working" in page(admin_client.get(url("change", run.pk))))

    text = page(admin_client.post(url("stop", run.pk), follow=True))
    thread.join(60)

    assert "asked to stop" in text
    assert CommandRun.objects.get().status == Status.STOPPED


def wait_for(condition):
    import time

    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def test_run_that_is_over_cannot_be_stopped(admin_client):
    run = CommandRun.objects.create(name="shop_work", status="SUCCEEDED")

    assert request_stop(run) is False
    assert admin_client.post(url("stop", run.pk)).status_code == 403


def test_start_goes_through_tasks_where_they_do_not_run_at_once(
    monkeypatch, django_capture_on_commit_callbacks
):
    enqueued: list[int] = []
    monkeypatch.setattr(background, "runs_at_once", lambda: False)
    monkeypatch.setattr(
        type(background.run_queued), "enqueue", lambda task, pk: enqueued.append(pk)
    )
    run = queue("shop_work", [], {}, started_by="ann", is_dry_run=False)

    with django_capture_on_commit_callbacks(execute=True):
        background.start(run)
        # Whoever takes the task has to find the row.
        assert enqueued == []

    assert enqueued == [run.pk]


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        (["shop_work"], []),
        (["shop_wrok", "migrate"], ["E004", "E004"]),
        (["backup_datum"], ["E004"]),
        ({"shop_work": "run"}, ["E006"]),
    ],
)
def test_check_reports_what_cannot_be_started(configure, names, ids):
    configure(admin_allow=None)
    configure(admin_allow=names)

    assert [one.id.rpartition(".")[2] for one in check_admin_allow()] == ids


def test_check_reports_that_nothing_could_be_shown(configure):
    configure(history={"enabled": False})

    assert [one.id for one in check_admin_allow()] == ["django_system_ops.E005"]


def test_command_that_the_history_leaves_out_is_recorded_when_it_is_asked_for(configure, ops_env):
    configure(history={"except_commands": ["ops_settings"]})
    run = queue("ops_settings", [], {}, started_by="ann", is_dry_run=False)
    with started_from(RunOrigin(CommandRun.Source.ADMIN, run_id=run.run_id)):
        call_command("ops_settings", stdout=io.StringIO())

    assert CommandRun.objects.get().status == Status.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_dry_run_is_one_whatever_else_is_filled_in(admin_client, launched, programs):
    form = {"o_words": "alpha\n--dry-run\n--hold=9"}
    admin_client.post(url("start", "shop_work"), form)
    shown = CommandRun.objects.get()

    assert shown.argv == ["--dry-run", "--", "alpha", "--dry-run", "--hold=9"]
    assert launch(shown.pk) == Status.SUCCEEDED
    shown.refresh_from_db()
    assert shown.is_dry_run
    admin_client.post(url("confirm", shown.pk))
    real = CommandRun.objects.latest("pk")
    assert real.argv == ["--", "alpha", "--dry-run", "--hold=9"]
    assert launch(real.pk) == Status.SUCCEEDED
    real.refresh_from_db()
    assert not real.is_dry_run


def test_dry_run_that_lost_its_word_is_not_launched(launched):
    run = queue("shop_work", [], {}, started_by="ann", is_dry_run=True)
    CommandRun.objects.filter(pk=run.pk).update(argv=["--", "--dry-run"])

    with pytest.raises(WrongUsageError, match="is a dry run"):
        launch(run.pk)

    run.refresh_from_db()
    assert run.status == Status.FAILED


def test_lines_of_a_list_cannot_become_options(admin_client, launched):
    form = {"o_names": "a\n --pythonpath=/tmp\n--settings=evil"}

    response = admin_client.post(url("start", "shop_work"), form)

    assert "must not begin with a dash" in page(response)
    assert not launched


def test_password_is_not_taken_and_so_not_kept(admin_client, launched):
    form = {"o_names": "a\nhttp://bob:hunter22@example.com/"}

    response = admin_client.post(url("start", "shop_work"), form)

    assert "A password has no place here" in page(response)
    assert not CommandRun.objects.exists()


def test_switch_that_turns_something_off_is_not_ticked_beforehand(admin_client, launched):
    html = page(admin_client.get(url("start", "shop_work")))

    assert 'name="o_mail"' in html
    assert not re.search(r'name="o_mail"[^>]*checked', html)


def test_places_that_are_named_otherwise_are_not_offered():
    for name, hidden in (("restore_backup", "into"), ("hc_diff", "earlier")):
        assert f"o_{hidden}" not in command_form(name, load(name)).base_fields


def test_program_that_cannot_be_started_ends_its_run(monkeypatch):
    run = queue("shop_work", [], {}, started_by="ann", is_dry_run=False)
    monkeypatch.setattr("django_system_ops.services.starting.working_directory", lambda: "/nowhere")

    with pytest.raises(FileNotFoundError):
        launch(run.pk)

    run.refresh_from_db()
    assert (run.status, run.finished_at is not None) == (Status.FAILED, True)
    assert "/nowhere" in run.error


@pytest.mark.django_db(transaction=True)
def test_launcher_that_died_before_it_launched_leaves_no_run_behind():
    run = queue("shop_work", [], {}, started_by="ann", is_dry_run=False)
    host, space, _pid, token = process_name().split("|")
    gone = subprocess.Popen(["true"])
    gone.wait()
    CommandRun.objects.filter(pk=run.pk).update(process=f"{host}|{space}|{gone.pid}|{token}")

    history.mark_lost(using="default")

    run.refresh_from_db()
    assert (run.status, run.finished_at is not None) == (Status.LOST, True)


@pytest.mark.django_db(transaction=True)
def test_success_that_could_only_be_left_in_a_file_is_a_success(monkeypatch):
    """The program ended well, and could not say so in the database."""
    run = queue("shop_work", [], {}, started_by="ann", is_dry_run=False)

    def spawned(found, _errors):
        found.status, found.exit_status = Status.SUCCEEDED, 0
        found.finished_at, found.output = timezone.now(), "all is done"
        write_json(spool_file(found.run_id), history.fields_of(found))
        return 0

    monkeypatch.setattr("django_system_ops.services.starting._spawn", spawned)

    assert launch(run.pk) == Status.SUCCEEDED
    run.refresh_from_db()
    assert run.output == "all is done"


@pytest.mark.django_db(transaction=True)
def test_run_that_is_killed_is_told_of_and_so_is_its_recovery(configure, monkeypatch):
    told: list[str] = []
    configure(notify={"commands": ["shop_*"], "email": ["ops@example.com"]})
    monkeypatch.setattr(
        "django_system_ops.services.notifying.notify",
        lambda subject, *_, **__: told.append(subject),
    )
    for status in (-9, 0):
        run = queue("shop_work", [], {}, started_by="ann", is_dry_run=False)
        monkeypatch.setattr(
            "django_system_ops.services.starting._spawn", lambda *_args, status=status: status
        )
        launch(run.pk)

    assert [one.split(" on ")[0] for one in told] == ["shop_work was lost", "shop_work works again"]
