"""The commands: what they print, what they change, and the status that the shell is told."""

import io
import json
import shutil
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.services.folders import checksum, script_folder
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import month_files, opened, prepared, run_month

pytestmark = pytest.mark.django_db(transaction=True)


def told(command, *args, **options):
    """Return what a command prints."""
    out = io.StringIO()
    call_command(command, *args, stdout=out, **options)
    return out.getvalue()


def document(command, *args, **options):
    """Return the one JSON document that a command prints."""
    return json.loads(told(command, *args, json=True, **options))


def refused(command, *args, **options):
    """Return the sentence and the status with which a command ends."""
    with pytest.raises(CommandError) as caught:
        told(command, *args, **options)
    return str(caught.value), caught.value.returncode


class TestSetup:
    def test_first_run_makes_directories_and_templates_and_a_second_one_finds_them(self, root):
        first = document("hc_setup")
        second = document("hc_setup")

        names = {one.name for one in script_folder().templates}
        assert {path.rpartition("/")[2] for path in first["created"]} >= names
        assert first["found"] == []
        assert second["created"] == []
        assert (root / "input-hc-report").is_dir()
        assert not list(root.glob(".*"))

    def test_dry_run_makes_nothing(self, root):
        said = told("hc_setup", dry_run=True)

        assert "Would create: Template_HC_Issues_Tracker.xlsx" in said
        assert not root.exists()

    def test_new_network_is_ready_after_three_commands_and_takes_a_report(self, root):
        Network.objects.create(customer="CustomerA", name=NETWORK)
        message, status = refused("hc_setup", action="validate")
        assert (message, status) == (f"Not ready: CustomerA/{NETWORK}.", 3)

        told("hc_setup", network=NETWORK)
        validated = told("hc_setup", action="validate", network=NETWORK)

        assert "is READY now, was NEW" in validated
        report, inventory = month_files(0)
        found = document("hc_run", network=NETWORK, report=report, inventory=inventory)
        assert found["counts"]["report_rows"] == EXPECTED[0]["counts"]["report_rows"]
        assert found["counts"]["open_after"] == found["counts"]["new"] > 0

    def test_validate_again_takes_in_no_second_tracker(self, root):
        network = prepared(root)

        told("hc_setup", action="validate")

        assert network.sessions.filter(session_type="NEW_NETWORK_SETUP").count() == 1

    def test_validate_says_what_is_wrong_with_a_file(self, root):
        network = prepared(root)
        script_folder().ignored_findings(NETWORK).write_bytes(b"")

        out = io.StringIO()
        with pytest.raises(CommandError):
            call_command("hc_setup", action="validate", stdout=out)

        assert f"{NETWORK}_ignored_test_cases.xlsx" in out.getvalue()
        network.refresh_from_db()
        assert network.setup_status == "NEW"

    def test_list_shows_each_network_and_what_it_lacks(self, root):
        prepared(root)
        Network.objects.create(customer="CustomerA", name="Birch", network_type="WDM")

        said = told("hc_setup", action="list")

        assert "CustomerA  Alder_DWDM  Unknown  READY" in said
        assert "Birch_HC_Issues_Tracker.xlsx" in said

    def test_customer_with_several_networks_has_to_be_asked_for_more_exactly(self, root):
        prepared(root)
        Network.objects.create(customer="CustomerA", name="Birch")

        message, status = refused("hc_setup", action="validate", network="CustomerA")

        assert status == 2
        assert f"CustomerA/{NETWORK}, CustomerA/Birch" in message
        assert "READY" in told("hc_setup", action="validate", network=f"CustomerA/{NETWORK}")

    def test_unknown_network_is_wrong_usage(self, root):
        message, status = refused("hc_setup", action="list", network="nobody")

        assert (status, message.startswith("There is no network 'nobody'")) == (2, True)


class TestReset:
    def test_files_go_into_a_backup_and_the_cases_stay(self, root):
        network = prepared(root)
        tracker = checksum(script_folder().tracker(NETWORK))
        cases = network.cases.count()

        said = told("hc_setup", action="reset", network=NETWORK, force=True)

        network.refresh_from_db()
        (kept,) = (root / "backups").rglob("*_HC_Issues_Tracker.xlsx")
        assert checksum(kept) == tracker
        assert not any(path.exists() for path in script_folder().required(NETWORK))
        assert (network.setup_status, network.cases.count()) == ("NEW", cases)
        assert f"Deleted CustomerA/{NETWORK}: {NETWORK}_HC_Issues_Tracker.xlsx" in said

    def test_dry_run_names_what_would_go(self, root):
        prepared(root)

        said = told("hc_setup", action="reset", dry_run=True)

        assert f"Would delete CustomerA/{NETWORK}: {NETWORK}_ignored_test_cases.txt" in said
        assert all(path.exists() for path in script_folder().required(NETWORK))

    @pytest.mark.parametrize("answer", ["n", "", "no", "yesterday"])
    def test_whoever_does_not_say_yes_keeps_everything(self, root, monkeypatch, answer):
        prepared(root)
        monkeypatch.setattr("builtins.input", lambda _question: answer)

        message, status = refused("hc_setup", action="reset")

        assert (message, status) == ("Nothing was deleted.", 1)
        assert all(path.exists() for path in script_folder().required(NETWORK))

    def test_nobody_there_to_answer_is_told_of_force(self, root, monkeypatch):
        prepared(root)

        def nobody(_question):
            raise EOFError

        monkeypatch.setattr("builtins.input", nobody)

        assert refused("hc_setup", action="reset") == (
            "Nobody is there to answer: add --force.",
            2,
        )

    def test_files_come_back_and_the_network_goes_on(self, root):
        network = prepared(root)
        run_month(network, 0)
        told("hc_setup", action="reset", force=True)
        (backup,) = (root / "backups").iterdir()
        for path in backup.iterdir():
            shutil.copyfile(path, root / path.name)

        told("hc_setup", action="validate")

        network.refresh_from_db()
        assert run_month(network, 1).counts == EXPECTED[1]["counts"]


class TestRun:
    def test_document_has_the_published_keys(self, root):
        prepared(root)
        report, inventory = month_files(0)

        found = document("hc_run", network=NETWORK, report=report, inventory=inventory)

        assert found["counts"] == EXPECTED[0]["counts"]
        assert found["coverage"] == EXPECTED[0]["coverage"]
        assert (found["network"], found["report_date"]) == (NETWORK, "2025-02-06")
        assert found["status"] == "COMPLETED"
        assert len(found["files"]) == 8
        assert all((root / path).is_file() for path in found["files"])

    def test_dry_run_gives_the_same_counts_and_writes_nothing(self, root):
        network = prepared(root)
        before = sorted(root.rglob("*")), network.cases.count()
        report, inventory = month_files(0)

        found = document(
            "hc_run", network=NETWORK, report=report, inventory=inventory, dry_run=True
        )

        assert found["counts"] == EXPECTED[0]["counts"]
        assert found["coverage"] == EXPECTED[0]["coverage"]
        assert sorted(found["lists"]["new"]) == sorted(EXPECTED[0]["new"])
        assert (sorted(root.rglob("*")), network.cases.count()) == before
        assert network.sessions.filter(session_type="REGULAR_PROCESSING").count() == 0

    def test_text_for_people_has_the_counts(self, root):
        prepared(root)
        report, inventory = month_files(0)

        said = told("hc_run", network=NETWORK, report=report, inventory=inventory)

        counts = EXPECTED[0]["counts"]
        assert f"{counts['new']} new" in said
        assert f"{counts['open_after']} open" in said

    def test_repeated_report_is_said_to_be_one(self, root):
        network = prepared(root)
        run_month(network, 0)
        report, inventory = month_files(0)

        said = told("hc_run", network=NETWORK, report=report, inventory=inventory)

        assert "as it was before: the files are the same" in said

    def test_wrong_file_is_one_sentence_with_its_place(self, root, tmp_path):
        prepared(root)
        wrong = tmp_path / f"{NETWORK}_Reports_20250206.xlsx"
        shutil.copyfile(script_folder().ignored_findings(NETWORK), wrong)

        message, status = refused(
            "hc_run", network=NETWORK, report=wrong, inventory=month_files(0)[1]
        )

        assert status == 1
        assert message.startswith(f"{wrong.name}")
        assert "CWBP" in message

    def test_missing_file_is_one_sentence(self, root, tmp_path):
        prepared(root)

        message, status = refused(
            "hc_run",
            network=NETWORK,
            report=tmp_path / f"{NETWORK}_Reports_20250206.xlsx",
            inventory=month_files(0)[1],
        )

        assert (status, "cannot be opened" in message) == (1, True)

    def test_failed_session_runs_again_from_the_files_that_it_has(self, root):
        network = prepared(root)
        ignored = script_folder().ignored_tests(NETWORK)
        hidden = ignored.rename(ignored.with_suffix(".away"))
        report, inventory = month_files(0)
        _message, status = refused("hc_run", network=NETWORK, report=report, inventory=inventory)
        assert status == 1
        hidden.rename(ignored)
        session = network.sessions.get(status="FAILED")

        found = document("hc_run", resume=str(session)[:8])

        assert found["session"] == str(session)
        assert found["counts"] == EXPECTED[0]["counts"]

    def test_other_session_at_work_is_status_75(self, root):
        network = prepared(root)
        HealthCheckSession.objects.filter(pk=opened(network).pk).update(
            status="PROCESSING", holder="another-host|1|1|a", expires_at="2999-01-01T00:00Z"
        )
        report, inventory = month_files(0)

        _message, status = refused("hc_run", network=NETWORK, report=report, inventory=inventory)

        assert status == 75

    @pytest.mark.parametrize(
        "options", [{}, {"network": NETWORK}, {"resume": "abcd1234", "dry_run": True}]
    )
    def test_half_a_call_is_wrong_usage(self, root, options):
        _message, status = refused("hc_run", **options)

        assert status == 2


class TestUndo:
    def test_last_report_is_taken_back(self, root):
        network = prepared(root)
        run_month(network, 0)

        found = document("hc_undo", network=NETWORK)

        assert found["opened"] == EXPECTED[0]["counts"]["new"]
        assert found["report_date"] == "2025-02-06"

    def test_nothing_to_take_back_is_said(self, root):
        prepared(root)

        message, status = refused("hc_undo", network=NETWORK)

        assert (status, "no health check" in message) == (1, True)


class TestMonitor:
    def test_status_counts_networks_sessions_and_bytes(self, root):
        network = prepared(root)
        run_month(network, 0)

        found = document("hc_monitor")

        assert (found["networks"], found["ready"], found["problems"]) == (1, 1, [])
        assert (found["recent_sessions"], found["recent_completed"]) == (2, 2)
        assert found["bytes"]["sessions"] > 100_000

    def test_status_says_what_has_to_be_done(self, root):
        prepared(root)
        Network.objects.create(customer="CustomerB", name="Birch")

        message, status = refused("hc_monitor")

        assert status == 1
        assert message == "CustomerB/Birch is not ready: run hc_setup --action validate."

    def test_session_whose_process_has_died_is_among_the_failed(self, root):
        session = opened(prepared(root))
        HealthCheckSession.objects.filter(pk=session.pk).update(
            status="PROCESSING", holder="another-host|1|1|a", expires_at="2020-01-01T00:00Z"
        )

        (found,) = document("hc_monitor", action="failed")["sessions"]

        assert (found["session"], "can be run again" in found["error"]) == (str(session), True)

    def test_stats_count_by_network_and_by_how_sessions_ended(self, root):
        network = prepared(root)
        run_month(network, 0)
        HealthCheckSession.objects.filter(pk=opened(network).pk).update(status="FAILED")
        HealthCheckSession.objects.filter(pk=opened(network).pk).update(
            status="FAILED", created_at="2020-01-01T00:00Z"
        )
        opened(network)

        found = document("hc_monitor", action="stats")
        said = told("hc_monitor", action="stats", network=NETWORK, days=7)

        assert (found["total"], found["completed"], found["failed"]) == (4, 2, 1)
        assert found["in_progress"] == 1
        assert found["networks"][0]["success_percent"] == pytest.approx(200 / 3)
        assert "67 %" in said

    def test_failed_sessions_are_listed_with_the_way_out(self, root):
        network = prepared(root)
        HealthCheckSession.objects.filter(pk=opened(network).pk).update(
            status="FAILED", error_messages="it is empty."
        )
        session = network.sessions.get(status="FAILED")

        said = told("hc_monitor", action="failed")

        assert "it is empty." in said
        assert f"hc_run --resume {str(session)[:8]}" in said
        assert "No session" in told("hc_monitor", action="failed", days=0)


class TestCleanup:
    def test_old_files_go_and_rows_trackers_and_ignore_files_stay(self, root):
        network = prepared(root)
        sessions = [run_month(network, month) for month in range(3)]
        age(network, days=40)
        rows = HealthCheckSession.objects.count(), SessionFile.objects.count()

        listed = document("hc_monitor", action="cleanup", dry_run=True)
        assert all((root / path).is_file() for path in listed["files"])
        found = document("hc_monitor", action="cleanup")

        assert found["files"] == listed["files"] != []
        assert not any((root / path).exists() for path in found["files"])
        assert (HealthCheckSession.objects.count(), SessionFile.objects.count()) == rows
        assert all(path.is_file() for path in script_folder().required(NETWORK))
        last = script_folder().session(sessions[-1].session_id)
        assert {path.name for path in last.rglob("*.xlsx")} == {
            f"{NETWORK}_HC_Issues_Tracker_06-04-2025.xlsx",
            f"{NETWORK}_HC_Issues_Tracker.xlsx",
        }
        assert not script_folder().session(sessions[0].session_id).exists()

    def test_last_check_can_be_taken_back_after_it(self, root):
        network = prepared(root)
        run_month(network, 0)
        age(network, days=40)
        told("hc_monitor", action="cleanup")

        assert document("hc_undo", network=NETWORK)["notes"] == []

    def test_files_of_young_sessions_stay(self, root):
        network = prepared(root)
        run_month(network, 0)
        age(network, days=29)

        assert document("hc_monitor", action="cleanup")["files"] == []
        assert document("hc_monitor", action="cleanup", days=28)["files"] != []


def age(network, *, days):
    """Have the sessions of a network end so many days earlier."""
    for one in network.sessions.all():
        network.sessions.filter(pk=one.pk).update(
            completed_at=one.completed_at - timedelta(days=days)
        )
