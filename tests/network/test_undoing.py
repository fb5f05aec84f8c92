"""The last health check is taken back, and nothing of it is left but its record."""

from datetime import date

import openpyxl
import pytest

from django_network_hc.exceptions import UndoError
from django_network_hc.models import Case, HealthCheckSession
from django_network_hc.services.edits import apply_status
from django_network_hc.services.folders import checksum, publish, script_folder
from django_network_hc.services.known import known_of
from django_network_hc.services.undoing import undo_last
from django_network_hc.services.writing import put_cases
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import edit, opened, prepared, run_month, state_of

pytestmark = pytest.mark.django_db(transaction=True)

MONTHS = range(len(EXPECTED))


class TestUndo:
    def test_network_is_as_it_was_before(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        before = state_of(network), checksum(path)
        session = run_month(network, 1)

        done = undo_last(network, initiated_by="a test")

        assert (done.session, done.back_to) == (session, date(2025, 2, 6))
        assert (done.opened, done.closed) == tuple(
            EXPECTED[1]["counts"][name] for name in ("new", "closed")
        )
        assert (state_of(network), checksum(path)) == before
        assert run_month(network, 1).counts == EXPECTED[1]["counts"]

    def test_all_of_them_one_after_the_other(self, root):
        network = prepared(root)
        before = state_of(network)
        for month in MONTHS:
            run_month(network, month)

        for _month in MONTHS:
            undo_last(network, initiated_by="a test")

        assert state_of(network) == before
        with pytest.raises(UndoError, match="no health check"):
            undo_last(network, initiated_by="a test")
        assert [run_month(network, month).counts for month in MONTHS] == [
            EXPECTED[month]["counts"] for month in MONTHS
        ]

    def test_session_whose_process_has_died_is_not_waited_for(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        dead = opened(network)
        HealthCheckSession.objects.filter(pk=dead.pk).update(
            status="PROCESSING", holder="another-host|1|1|a", expires_at="2020-01-01T00:00Z"
        )

        assert undo_last(network, initiated_by="a test").session == session
        dead.refresh_from_db()
        assert dead.status == "FAILED"

    def test_case_that_a_person_has_set_to_ignored_stays_so(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        case = network.cases.filter(closed_by=session).first()
        apply_status(case, "IGNORED")
        case.save()

        undo_last(network, initiated_by="a test")

        case.refresh_from_db()
        assert case.state == "IGNORED"

    def test_finding_that_has_another_open_case_by_now_is_named(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        case = network.cases.filter(closed_by=session).first()
        twin = Case.objects.get(pk=case.pk)
        twin.pk, twin.state, twin.closed_by, twin.closed_on = None, "OPEN", None, None
        twin.save()
        before = state_of(network)

        with pytest.raises(UndoError, match=f"#{case.pk}.*another open case by now"):
            undo_last(network, initiated_by="a test")

        assert state_of(network) == before

    def test_row_that_a_person_has_added_outlives_two_steps_back(self, root):
        network = prepared(root)
        run_month(network, 0)
        put_cases(network, [added_case(network)], last_seen_on=None)
        run_month(network, 1)

        undo_last(network, initiated_by="a test")
        undo_last(network, initiated_by="a test")

        assert network.cases.get(test="99.9").times_seen >= 1

    def test_hits_of_rules_are_those_of_the_report_before(self, root):
        network = prepared(root)
        run_month(network, 0)
        before = sorted(network.ignore_rules.values_list("pk", "hits", "last_hit_on"))
        run_month(network, 1)

        undo_last(network, initiated_by="a test")

        assert sorted(network.ignore_rules.values_list("pk", "hits", "last_hit_on")) == before

    def test_edited_tracker_is_kept_before_the_one_before_it_is_put_back(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        book = openpyxl.load_workbook(path)
        book.create_sheet("My notes")["A1"] = "not in any case"
        book.save(path)
        edited = checksum(path)

        undo_last(network, initiated_by="a test")

        assert edited in {checksum(one) for one in root.rglob("*.xlsx")}

    def test_process_that_dies_after_the_tracker_was_put_back_leaves_no_edits(
        self, root, monkeypatch
    ):
        network = prepared(root)
        run_month(network, 0)
        run_month(network, 1)
        before = state_of(network)

        def die(source, target):
            publish(source, target)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("django_network_hc.services.undoing.publish", die)
            with pytest.raises(KeyboardInterrupt):
                undo_last(network, initiated_by="a test")

        assert state_of(network) == before
        session = run_month(network, 2)
        assert session.counts == EXPECTED[2]["counts"]
        assert not any("deleted" in note for note in session.notes)

    def test_dry_run_changes_nothing(self, root):
        network = prepared(root)
        run_month(network, 0)
        before = state_of(network)

        done = undo_last(network, initiated_by="a test", dry_run=True)

        assert done.opened == EXPECTED[0]["counts"]["new"]
        assert state_of(network) == before

    def test_case_that_people_have_written_into_is_not_taken_away(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        case = network.cases.filter(opened_by=session).first()
        assert case is not None
        edit(script_folder().tracker(NETWORK), case, "Remarks", "mine")
        before = state_of(network)

        with pytest.raises(UndoError, match="1 cases .* people have written into them"):
            undo_last(network, initiated_by="a test")

        assert state_of(network) == before


def added_case(network):
    """Return a case that a person has written into the tracker."""
    like = known_of(network).cases[-1]
    return like._replace(key=(like.key[0], "99.9", *like.key[2:]), status="OPEN", row=0)
