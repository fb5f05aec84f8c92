"""What people have written into a tracker is in its cases, whatever comes after."""

import openpyxl
import pytest

from django_network_hc.readers import read_tracker
from django_network_hc.services.folders import script_folder
from django_network_hc.services.networks import take_in_tracker
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import (
    case_of,
    edit,
    listed,
    month_files,
    prepared,
    run,
    run_month,
    without_findings,
)

pytestmark = pytest.mark.django_db(transaction=True)


class TestEdits:
    def test_edits_of_the_tracker_are_in_the_cases_and_in_the_next_tracker(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        keys = [tuple(one) for one in EXPECTED[1]["open_after"] if one in EXPECTED[0]["open_after"]]
        kept, other = (case_of(network, key) for key in keys[:2])
        edit(path, kept, "Remarks", "card ordered")
        edit(path, kept, "Card Sl#", 4711, sheet="OPEN")
        edit(path, other, "Status", "In progress", sheet="OPEN")

        session = run_month(network, 1)

        assert session.counts == EXPECTED[1]["counts"]
        kept.refresh_from_db()
        other.refresh_from_db()
        assert (kept.remarks, kept.card) == ("card ordered", "4711")
        assert (other.state, other.status) == ("OPEN", "In progress")
        rows = {one.key: one for one in read_tracker(path).cases["OPEN"]}
        assert rows[keys[0]].engineering.remarks == "card ordered"
        assert rows[keys[0]].engineering.card == "4711"
        assert rows[keys[1]].status == "In progress"
        assert kept.history.latest().history_change_reason == "Written into the tracker"

    def test_case_that_a_person_closes_is_reopened_by_the_report_that_has_it(self, root):
        network = prepared(root)
        run_month(network, 0)
        key = next(one for one in EXPECTED[1]["open_after"] if one in EXPECTED[0]["open_after"])
        case = case_of(network, key)
        edit(script_folder().tracker(NETWORK), case, "Status", "closed")

        session = run_month(network, 1)

        case.refresh_from_db()
        assert (case.state, case.closed_by) == ("CLOSED", None)
        again = network.cases.get(reopens=case)
        assert (again.opened_by, again.state) == (session, "OPEN")
        assert session.counts["new"] == EXPECTED[1]["counts"]["new"] + 1

    def test_row_that_a_person_adds_is_a_case(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        book = openpyxl.load_workbook(path)
        row = [cell.value for cell in book["OPEN"][2]]
        row[7], row[10] = "99.1", "found by hand"
        for name in ("MAIN", "OPEN"):
            book[name].append(row)
        book.save(path)

        later = take_in_tracker(network, path, path.name, initiated_by="a test")

        assert (later.session_type, later.counts["added"]) == ("MAINTENANCE", 1)
        case = network.cases.get(test="99.1")
        assert (case.text, case.state, case.opened_by) == ("found by hand", "OPEN", None)
        assert run_month(network, 1).status == "COMPLETED"
        case.refresh_from_db()
        assert case.state == "CLOSED"
        assert session.pk < later.pk


class TestReplacing:
    def test_corrected_report_of_the_same_day_stands_in_for_the_first(self, root, tmp_path):
        network = prepared(root)
        wrong = without_findings(month_files(0)[0], tmp_path, keep=300)
        first = run(network, wrong, month_files(0)[1])
        assert first.counts != EXPECTED[0]["counts"]
        kept = network.cases.filter(opened_by=first).order_by("pk").first()

        second = run_month(network, 0)

        first.refresh_from_db()
        assert first.status == "UNDONE"
        assert second.counts == EXPECTED[0]["counts"]
        assert second.coverage == EXPECTED[0]["coverage"]
        assert listed(network, state="OPEN") == sorted(EXPECTED[0]["open_after"])
        assert listed(network, opened_by=second) == sorted(EXPECTED[0]["new"])
        assert listed(network, closed_by=second) == sorted(EXPECTED[0]["closed"])
        assert kept is None or network.cases.filter(pk=kept.pk, opened_by=second).exists()
        assert run_month(network, 1).counts == EXPECTED[1]["counts"]

    def test_what_was_written_into_a_case_stays_when_its_report_is_corrected(self, root, tmp_path):
        network = prepared(root)
        wrong = without_findings(month_files(0)[0], tmp_path, keep=560)
        first = run(network, wrong, month_files(0)[1])
        case = network.cases.filter(opened_by=first).order_by("pk").first()
        assert case is not None
        edit(script_folder().tracker(NETWORK), case, "Remarks", "called them")

        second = run_month(network, 0)

        case.refresh_from_db()
        assert (case.remarks, case.opened_by) == ("called them", second)
        rows = read_tracker(script_folder().tracker(NETWORK)).cases["MAIN"]
        assert [one.engineering.remarks for one in rows].count("called them") == 1
