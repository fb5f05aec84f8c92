"""Three months of a network, run through the database: the counts are those of the engine."""

import errno
import io
import os
import shutil

import pytest

from django_network_hc.exceptions import (
    ChangedMeanwhileError,
    InputError,
    NotReadyError,
    OlderReportError,
    SessionLockedError,
    UnknownNetworkError,
)
from django_network_hc.models import Case, HealthCheckSession, SessionFile
from django_network_hc.readers import read_tracker
from django_network_hc.services.folders import checksum, script_folder
from django_network_hc.services.known import known_of
from django_network_hc.services.networks import remove, validate
from django_network_hc.services.processing import run_session
from django_network_hc.services.sessions import Input, fail, open_session, take
from tests.network import samples
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import (
    edit,
    listed,
    month_files,
    opened,
    prepared,
    run,
    run_month,
)

pytestmark = pytest.mark.django_db(transaction=True)

MONTHS = range(len(EXPECTED))


class TestMonths:
    def test_counts_lists_and_tracker_of_each_month_are_exact(self, root):
        network = prepared(root)

        for month in MONTHS:
            session = run_month(network, month)

            wanted = EXPECTED[month]
            assert session.status == "COMPLETED"
            assert session.counts == wanted["counts"]
            assert session.coverage == wanted["coverage"]
            assert listed(network, opened_by=session) == sorted(wanted["new"])
            assert listed(network, closed_by=session) == sorted(wanted["closed"])
            unverified = listed(network, closed_by=session, is_unverified=True)
            assert unverified == sorted(wanted["closed_unverified"])
            assert listed(network, state="OPEN") == sorted(wanted["open_after"])
            reopened = listed(network, opened_by=session, reopens__isnull=False)
            assert reopened == sorted(wanted["reopened"])
            assert network.cases.count() == wanted["counts"]["main_rows"]
            self.assert_published(network, session)

    def assert_published(self, network, session):
        network.refresh_from_db()
        session.refresh_from_db()
        path = script_folder().tracker(NETWORK)
        assert session.is_published
        assert network.tracker_sha256 == checksum(path)
        tracker = read_tracker(path)
        known = known_of(network)
        assert [(one.key, one.status) for one in tracker.cases["MAIN"]] == [
            (one.key, one.status) for one in known.cases
        ]
        assert tracker.nodes == known.nodes
        assert tracker.columns.keys() == known.columns.keys()
        for day, column in tracker.columns.items():
            assert {node: said for node, said in column.items() if said != "Not Added"} == {
                node: said for node, said in known.columns[day].items() if said != "Not Added"
            }

    def test_same_files_again_are_the_session_that_had_them(self, root):
        network = prepared(root)
        first = run_month(network, 0)
        before = list(network.cases.order_by("pk").values())

        again = run_month(network, 0)

        assert again == first
        assert list(network.cases.order_by("pk").values()) == before
        repeated = HealthCheckSession.objects.latest("pk")
        assert (repeated.status, repeated.counts) == ("CANCELLED", {})

    def test_case_that_stays_open_counts_how_often_it_was_seen(self, root):
        network = prepared(root)
        for month in MONTHS:
            run_month(network, month)

        seen = network.cases.filter(state="OPEN", opened_by__isnull=True)
        assert set(seen.values_list("times_seen", flat=True)) == {4}

    def test_closed_case_keeps_the_status_that_it_had(self, root):
        network = prepared(root)
        wanted = EXPECTED[0]["closed"][0]
        fields = dict(zip(("hc_id", "test", "priority", "issue", "text"), wanted, strict=True))
        case = network.cases.get(state="OPEN", **fields)
        Case.objects.filter(pk=case.pk).update(status="In progress")

        session = run_month(network, 0)

        case.refresh_from_db()
        assert (case.state, case.status, case.closed_by) == ("CLOSED", "In progress", session)
        shown = {one.row: one.status for one in known_of(network).cases}
        assert shown[case.pk] == "CLOSED"


class TestRefusal:
    def test_older_report_is_refused_with_both_days(self, root):
        network = prepared(root)
        run_month(network, 1)

        with pytest.raises(OlderReportError, match=r"2025-03-06 already.*2025-02-06"):
            run_month(network, 0)

        failed = HealthCheckSession.objects.latest("pk")
        assert (failed.status, failed.counts) == ("FAILED", {})
        assert "older report would close" in failed.error_messages

    def test_report_of_another_network_is_refused(self, root, tmp_path):
        network = prepared(root)
        report, inventory = month_files(0)
        other = tmp_path / "Birch_DWDM_Reports_20250206.xlsx"
        shutil.copyfile(report, other)

        with pytest.raises(InputError, match=r"network 'Birch_DWDM'; 'Alder_DWDM' is wanted"):
            run(network, other, inventory)

    def test_network_without_its_files_is_not_ready(self, root):
        network = prepared(root)
        script_folder().ignored_tests(NETWORK).unlink()

        with pytest.raises(NotReadyError, match=r"Alder_DWDM_ignored_test_cases\.txt missing"):
            run_month(network, 0)

    def test_report_that_the_first_tracker_has_already_is_refused(self, root, tmp_path):
        network = prepared(root)
        last = max(samples.tracker().columns)
        report = tmp_path / f"{NETWORK}_Reports_{last:%Y%m%d}.xlsx"
        shutil.copyfile(month_files(0)[0], report)

        with pytest.raises(OlderReportError, match=f"has the report of {last} already"):
            run(network, report, month_files(0)[1])

    def test_session_of_a_removed_network_does_not_write_over_a_new_one(self, root):
        network = prepared(root)
        waiting = opened(network, 0)
        remove(network)
        new = prepared(root, customer="CustomerB")
        before = checksum(script_folder().tracker(NETWORK))

        with pytest.raises(UnknownNetworkError, match="was removed"):
            run_session(waiting)

        assert checksum(script_folder().tracker(NETWORK)) == before
        assert run_month(new, 0).counts == EXPECTED[0]["counts"]

    def test_network_at_work_is_not_removed(self, root):
        network = prepared(root)
        take(opened(network), lease_seconds=60)

        with pytest.raises(SessionLockedError):
            remove(network)

    def test_error_that_quotes_what_no_database_takes_is_written_down(self, root, tmp_path):
        network = prepared(root)
        session = opened(network)
        turn = take(session, lease_seconds=60)

        fail(turn.session, InputError("x.xlsx", "sheets \0 and \ud800 and more " * 1000))

        session.refresh_from_db()
        assert session.status == "FAILED"
        assert "\0" not in session.error_messages

    def test_report_that_is_taken_back_meanwhile_makes_the_session_run_again(self, root):
        network = prepared(root)
        run_month(network, 0)
        session = opened(network, 1)

        def watch(percent, _text):
            if percent == 85:
                network.sessions.filter(report_on="2025-02-06").update(status="UNDONE")

        with pytest.raises(ChangedMeanwhileError, match="taken back while this session worked"):
            run_session(session, watch=watch)

    @pytest.mark.parametrize(
        "name", ["../Alder_DWDM_Reports_20250206.xlsx", "a\\b", "", ".x", "a\0"]
    )
    def test_name_that_leads_elsewhere_makes_the_session_fail(self, root, name):
        network = prepared(root)
        content = io.BytesIO(b"PK")

        with pytest.raises(InputError):
            open_session(
                network,
                [Input(SessionFile.Kind.TEC_REPORT, name, content, 1)],
                folder=script_folder(),
                initiated_by="a test",
            )

        failed = HealthCheckSession.objects.latest("pk")
        assert failed.status == "FAILED"
        folder = script_folder().session(failed.session_id)
        assert not [one for one in folder.rglob("*") if one.is_file()]

    def test_file_of_two_gigabytes_of_nothing_is_refused_before_it_is_copied(self, root, tmp_path):
        network = prepared(root)
        report = tmp_path / "Alder_DWDM_Reports_20250206.xlsx"
        with report.open("wb") as file:
            file.truncate(2_000_000_000)

        with pytest.raises(InputError, match=r"2,000 MB; 100 MB are the most"):
            run(network, report, month_files(0)[1])

        failed = HealthCheckSession.objects.latest("pk")
        assert (failed.status, failed.files.count()) == ("FAILED", 0)

    def test_failed_session_leaves_everything_as_it_was(self, root, tmp_path):
        network = prepared(root)
        cases = list(network.cases.order_by("pk").values())
        before = checksum(script_folder().tracker(NETWORK))
        broken = tmp_path / "Alder_DWDM_Reports_20250206.xlsx"
        broken.write_bytes(b"")

        with pytest.raises(InputError, match=r"empty|workbook"):
            run(network, broken, month_files(0)[1])

        assert HealthCheckSession.objects.latest("pk").status == "FAILED"
        assert list(network.cases.order_by("pk").values()) == cases
        assert checksum(script_folder().tracker(NETWORK)) == before


class TestValidation:
    def test_broken_tracker_of_a_known_network_is_said(self, root):
        network = prepared(root)
        run_month(network, 0)
        script_folder().tracker(NETWORK).write_bytes(b"broken")

        found = validate(network, initiated_by="a test")

        network.refresh_from_db()
        assert (len(found.problems), network.setup_status) == (1, "NEW")
        assert f"{NETWORK}_HC_Issues_Tracker.xlsx" in found.problems[0]


class TestPublishing:
    def test_tracker_before_is_kept_with_the_session(self, root):
        network = prepared(root)
        before = checksum(script_folder().tracker(NETWORK))

        session = run_month(network, 0)

        kept = session.files.get(kind="TRACKER_BEFORE")
        assert checksum(script_folder().session(session.session_id) / kept.path) == before

    def test_tracker_that_cannot_be_put_in_its_place_is_put_there_later(self, root, monkeypatch):
        network = prepared(root)
        path = script_folder().tracker(NETWORK)

        def full(*_args):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            # No disk here can be filled for one rename alone.
            patch.setattr("django_network_hc.services.publishing.publish", full)
            session = run_month(network, 0)

        assert (session.status, session.is_published) == ("COMPLETED", False)
        assert "No space left" in session.current_step
        found = validate(network, initiated_by="a test")
        session.refresh_from_db()
        assert session.is_published
        assert any("put in its place" in note for note in found.notes)
        assert read_tracker(path).columns.keys() == known_of(network).columns.keys()

    def test_same_report_again_puts_the_tracker_in_its_place(self, root, monkeypatch):
        network = prepared(root)

        def full(*_args):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr("django_network_hc.services.publishing.publish", full)
            first = run_month(network, 0)

        again = run_month(network, 0)

        assert (again, again.is_published) == (first, True)

    def test_edit_made_before_the_tracker_is_put_there_later_is_in_its_case(
        self, root, monkeypatch
    ):
        network = prepared(root)

        def full(*_args):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr("django_network_hc.services.publishing.checksum", full)
            run_month(network, 0)
        case = network.cases.filter(state="OPEN", opened_by=None).first()
        edit(script_folder().tracker(NETWORK), case, "Remarks", "before it was there")

        validate(network, initiated_by="a test")

        case.refresh_from_db()
        assert case.remarks == "before it was there"

    def test_edit_made_while_a_report_is_processed_is_in_its_case(self, root):
        network = prepared(root)
        session = opened(network, 0)
        case = network.cases.filter(state="OPEN").first()

        def watch(percent, _text):
            if percent == 85:
                edit(script_folder().tracker(NETWORK), case, "Remarks", "seen on site")

        done = run_session(session, watch=watch)

        case.refresh_from_db()
        assert case.remarks == "seen on site"
        assert done.is_published
        assert any("while this session worked" in note for note in done.notes)
