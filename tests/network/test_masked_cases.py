"""Cases whose findings have other numbers each month: one case, with the numbers of now."""

import pytest

from django_network_hc.exceptions import ChangedMeanwhileError
from django_network_hc.models import Case, HealthCheckSession
from django_network_hc.services.folders import checksum, script_folder
from django_network_hc.services.known import digest
from django_network_hc.services.processing import run_session
from django_network_hc.services.undoing import undo_last
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import (
    month_files,
    open_report,
    opened,
    prepared,
    run,
    run_month,
    state_of,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def network(root, settings):
    """A network in which uptimes are one case, whatever they count."""
    settings.NETWORK_HC = {**settings.NETWORK_HC, "MASKED_TESTS": ["9.7.4", "2.4.3"]}
    return prepared(root)


def months_of(network, tmp_path, texts):
    """Run reports that have these findings of one node, and no other ones."""
    like = None
    for month, rows in enumerate(texts):
        report, inventory = month_files(month)
        book = open_report(report)
        sheet = book["CWBP"]
        like = like or [cell.value for cell in sheet[2]]
        sheet.delete_rows(2, sheet.max_row)
        for text in rows:
            sheet.append([*like[:7], "9.7.4", *like[8:11], text, *like[12:]])
        path = tmp_path / report.name
        book.save(path)
        yield run(network, path, inventory)


def cases_of(network):
    found = network.cases.filter(test="9.7.4", state="OPEN", text__startswith="up").order_by("pk")
    for one in found:
        assert one.key == digest((one.hc_id, one.test, one.priority, one.issue, one.text))
    return [(one.text, one.times_seen) for one in found]


def test_months_of_masked_cases_are_followed_and_taken_back(network, tmp_path):
    texts = [["up 1 days", "up 2 days"], ["up 2 days", "up 31 days"], ["up 60 days"]]
    before = state_of(network)
    states = [
        (session, cases_of(network), state_of(network))
        for session in months_of(network, tmp_path, texts)
    ]

    assert [found for _session, found, _state in states] == [
        [("up 1 days", 1), ("up 2 days", 1)],
        [("up 31 days", 2), ("up 2 days", 2)],
        [("up 60 days", 3)],
    ]
    for _session, found, state in states[::-1]:
        assert (cases_of(network), state_of(network)) == (found, state)
        undo_last(network, initiated_by="a test")
    assert state_of(network) == before


def test_same_report_again_with_other_files_keeps_masked_cases(network, tmp_path):
    list(months_of(network, tmp_path, [["up 1 days"], ["up 31 days"]]))
    pk = network.cases.get(text="up 31 days").pk
    report, inventory = tmp_path / month_files(1)[0].name, tmp_path / "Inventory.csv"
    inventory.write_bytes(month_files(1)[1].read_bytes() + b"\n")

    again = run(network, report, inventory)

    assert again.counts["new"] == 0
    case = network.cases.get(text="up 31 days")
    assert (case.pk, case.times_seen) == (pk, 2)


def test_real_months_run_with_masks_and_are_taken_back(network):
    before = state_of(network)
    for month in range(3):
        session = run_month(network, month)
        assert session.counts["open_after"] <= EXPECTED[month]["counts"]["open_after"]
    for _month in range(3):
        undo_last(network, initiated_by="a test")

    assert state_of(network) == before


def test_held_cases_stay_open_and_count_no_sighting(root, settings):
    settings.NETWORK_HC = {**settings.NETWORK_HC, "HOLD_UNVERIFIED": True}
    network = prepared(root)
    before = state_of(network)

    session = run_month(network, 0)

    held = EXPECTED[0]["counts"]["closed_unverified"]
    assert session.counts["open_after"] == EXPECTED[0]["counts"]["open_after"] + held
    assert network.cases.filter(state="OPEN", opened_by=None, times_seen=1).count() == held
    undo_last(network, initiated_by="a test")
    assert state_of(network) == before


def test_case_that_is_opened_by_hand_meanwhile_makes_the_session_run_again(root):
    network = prepared(root)
    keys = EXPECTED[0]["reopened"]
    node, test, _priority, _issue, text = keys[0]
    closed = network.cases.filter(hc_id=node, test=test, text=text, state="CLOSED")
    session = opened(network, 0)
    before = checksum(script_folder().tracker(NETWORK))

    def watch(percent, _text):
        if percent == 85:
            Case.objects.filter(pk=closed.latest("pk").pk).update(state="OPEN")

    with pytest.raises(ChangedMeanwhileError, match="run it again"):
        run_session(session, watch=watch)

    assert HealthCheckSession.objects.get(pk=session.pk).status == "FAILED"
    assert checksum(script_folder().tracker(NETWORK)) == before
    assert run_session(session).status == "COMPLETED"
