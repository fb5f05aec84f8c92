"""What people have written into a tracker is in its cases, whatever comes after."""

import shutil

import openpyxl
import pytest

from django_network_hc.exceptions import InputError, UndoError
from django_network_hc.models import Network
from django_network_hc.readers import read_tracker
from django_network_hc.services.folders import checksum, script_folder
from django_network_hc.services.networks import take_in_tracker
from django_network_hc.services.processing import run_session
from django_network_hc.services.setup import prepare
from django_network_hc.services.undoing import undo_last
from tests.network.samples import EXPECTED, NETWORK, TRACKER
from tests.network.workspace import (
    case_of,
    edit,
    listed,
    month_files,
    open_report,
    opened,
    prepared,
    run,
    run_month,
    state_of,
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


class TestRowsThatMeet:
    def test_closed_case_is_not_opened_beside_the_open_one_of_its_finding(self, root):
        network = prepared(root)
        for month in range(2):
            run_month(network, month)
        again = network.cases.filter(state="OPEN", reopens__isnull=False).first()
        assert again is not None
        closed = again.reopens
        path = script_folder().tracker(NETWORK)
        place(path, closed, "Status", "OPEN")

        session = run_month(network, 2)

        closed.refresh_from_db()
        assert closed.state == "CLOSED"
        assert session.counts == EXPECTED[2]["counts"]
        assert any("has an open case already" in note for note in session.notes)

    def test_column_that_somebody_adds_changes_only_the_cases_it_is_filled_in(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        case = network.cases.filter(state="OPEN").first()
        book = openpyxl.load_workbook(path)
        book["MAIN"].cell(1, 19).value = "Ticket"
        book.save(path)
        place(path, case, "Ticket", "T-1")

        later = take_in_tracker(network, path, path.name, initiated_by="a test")

        case.refresh_from_db()
        assert (later.counts["changed"], case.extras["Ticket"]) == (1, "T-1")


class TestClosedSheet:
    def test_remark_in_closed_is_in_its_case(self, root):
        network = prepared(root)
        session = run_month(network, 0)
        case, other = network.cases.filter(closed_by=session).order_by("pk")[:2]
        path = script_folder().tracker(NETWORK)
        place(path, case, "Remarks", "it was the fan", sheet="CLOSED")
        place(path, other, "Remarks", "in MAIN", sheet="MAIN")
        place(path, other, "Remarks", "in CLOSED", sheet="CLOSED")

        later = run_month(network, 1)

        case.refresh_from_db()
        other.refresh_from_db()
        assert (case.remarks, other.remarks) == ("it was the fan", "in MAIN")
        assert any("MAIN counts" in note and "in CLOSED" in note for note in later.notes)
        assert later.counts == EXPECTED[1]["counts"]


class TestMeanwhile:
    def test_what_is_written_here_while_a_report_is_judged_stays(self, root):
        network = prepared(root)
        run_month(network, 0)
        keys = [tuple(one) for one in EXPECTED[1]["open_after"] if one in EXPECTED[0]["open_after"]]
        case = case_of(network, keys[0])
        place(script_folder().tracker(NETWORK), case, "Status", "In progress", sheet="OPEN")
        place(script_folder().tracker(NETWORK), case, "Card Sl#", "from the tracker")
        session = opened(network, 1)

        def watch(percent, _text):
            if percent == 85:
                network.cases.filter(pk=case.pk).update(remarks="from here", card="from here")

        done = run_session(session, watch=watch)

        case.refresh_from_db()
        assert (case.status, case.remarks) == ("In progress", "from here")
        assert case.card == "from here"
        assert any("the tracker has 'from the tracker'" in note for note in done.notes)

    def test_closed_row_that_a_person_adds_is_no_case_of_another(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        key = EXPECTED[1]["new"][0]
        book = openpyxl.load_workbook(path)
        row = [cell.value for cell in book["OPEN"][2]]
        row[1], row[7:11], row[12] = key[0], key[1:], "CLOSED"
        book["MAIN"].append(row)
        book.save(path)

        session = run_month(network, 1)

        assert session.status == "COMPLETED"
        added = network.cases.filter(state="CLOSED", opened_by=None).latest("pk")
        assert [added.hc_id, added.test, added.text] == [key[0], key[1], key[4]]
        assert network.cases.filter(reopens=added).count() <= 1

    def test_status_that_is_too_long_is_said_by_its_place(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        case = network.cases.filter(state="OPEN").first()
        place(path, case, "Status", "x" * 300)

        with pytest.raises(InputError, match=r"sheet 'MAIN', row \d+, column 'Status'.*255"):
            run_month(network, 1)

    def test_remark_on_a_finding_of_several_lines_finds_its_case(self, root, tmp_path):
        network = prepared(root)
        report = tmp_path / month_files(0)[0].name
        book = open_report(month_files(0)[0])
        book["CWBP"]["H9"].value = "77.7"
        book["CWBP"]["L9"].value = "one_x000D_\ntwo\ufffe " + "y" * 40_000
        book.save(report)
        run(network, report, month_files(0)[1])
        case = network.cases.get(test="77.7")
        book = openpyxl.load_workbook(script_folder().tracker(NETWORK))
        for row in book["MAIN"].iter_rows(min_row=2):
            if row[7].value == "77.7":
                row[17].value = "about both lines"
        book.save(script_folder().tracker(NETWORK))

        run_month(network, 1)

        case.refresh_from_db()
        assert case.remarks == "about both lines"
        assert network.cases.filter(test="77.7").count() == 1


class TestStrangers:
    def test_tracker_of_another_network_is_refused(self, root):
        network = prepared(root)
        run_month(network, 0)
        path = script_folder().tracker(NETWORK)
        book = openpyxl.load_workbook(path)
        for name in ("MAIN", "OPEN", "CLOSED", "IGNORED", "NODE COVERAGE"):
            at = 1 if name == "NODE COVERAGE" else 2
            for row in book[name].iter_rows(min_row=2):
                row[at - 1].value = int(row[at - 1].value) + 1
        book.save(path)
        before = state_of(network)

        with pytest.raises(InputError, match="the tracker of another network"):
            run_month(network, 1)

        assert state_of(network) == before

    def test_template_in_place_of_the_tracker_loses_nothing(self, root):
        network = prepared(root)
        run_month(network, 0)
        prepare()
        shutil.copyfile(script_folder().templates[0], script_folder().tracker(NETWORK))

        session = run_month(network, 1)

        assert session.counts == EXPECTED[1]["counts"]
        assert any("rows were deleted from the tracker" in note for note in session.notes)


class TestFirstTracker:
    def test_remark_in_main_stays_where_the_row_of_open_is_blank(self, root):
        root.mkdir()
        path = script_folder().tracker(NETWORK)
        shutil.copyfile(TRACKER, path)
        first = next(one for one in read_tracker(path).cases["OPEN"])
        in_main = {"Remarks": "typed in MAIN", "Card Sl#": None, "HW Type": "this"}
        in_open = {"Remarks": None, "Card Sl#": "typed in OPEN", "HW Type": "that"}
        place_key(path, first.key, in_main, sheet="MAIN")
        place_key(path, first.key, in_open, sheet="OPEN")
        network = Network.objects.create(customer="CustomerA", name=NETWORK)

        session = take_in_tracker(network, path, path.name, initiated_by="a test")

        case = case_of(network, first.key)
        assert (case.remarks, case.card, case.hardware) == (
            "typed in MAIN",
            "typed in OPEN",
            "that",
        )
        assert any("hardware is 'that' now" in note and "'this'" in note for note in session.notes)


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

    def test_edit_of_a_case_that_the_corrected_report_has_not_stops_it(self, root, tmp_path):
        network = prepared(root)
        first = run_month(network, 0)
        case = network.cases.filter(opened_by=first).order_by("-pk")[0]
        edit(script_folder().tracker(NETWORK), case, "Remarks", "do not lose this")
        corrected = without_findings(month_files(0)[0], tmp_path, keep=3)

        with pytest.raises(UndoError, match="people have written into them"):
            run(network, corrected, month_files(0)[1])

        assert network.cases.filter(pk=case.pk).exists()
        first.refresh_from_db()
        assert first.status == "COMPLETED"

    def test_undo_puts_back_the_tracker_from_before_both(self, root, tmp_path):
        network = prepared(root)
        path = script_folder().tracker(NETWORK)
        before = state_of(network), checksum(path)
        wrong = without_findings(month_files(0)[0], tmp_path, keep=300)
        run(network, wrong, month_files(0)[1])
        run_month(network, 0)

        undo_last(network, initiated_by="a test")

        assert (state_of(network), checksum(path)) == before
        assert run_month(network, 0).counts == EXPECTED[0]["counts"]

    def test_other_settings_make_it_another_run(self, root, settings):
        network = prepared(root)
        first = run_month(network, 0)
        settings.NETWORK_HC = {**settings.NETWORK_HC, "HOLD_UNVERIFIED": True}

        second = run_month(network, 0)

        assert second != first
        assert second.counts["closed_unverified"] == 0 < first.counts["closed_unverified"]


def place(path, case, column, value, *, sheet="MAIN"):
    """Write into the row of one of several cases of a finding, by its day."""
    place_key(
        path,
        (case.hc_id, case.test, case.priority, case.issue, case.text),
        {column: value},
        sheet=sheet,
        day=case.found_on,
    )


def place_key(path, key, values, *, sheet, day=None):
    """Write values by their columns into the first row of a key and a day."""
    book = openpyxl.load_workbook(path)
    rows = book[sheet]
    header = [cell.value for cell in rows[1]]
    names = ("HC Id", "Test Case", "Category", "Issue", "Finding")
    for row in rows.iter_rows(min_row=2):
        said = tuple(str(row[header.index(name)].value).strip() for name in names)
        if said == tuple(map(str, key)) and day in (None, row[0].value.date()):
            for column, value in values.items():
                row[header.index(column)].value = value
            break
    else:
        raise AssertionError(f"no row of {key} in {sheet}")
    book.save(path)
