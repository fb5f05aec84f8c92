"""A tracker that somebody had open while others took its place, and other late comers."""

import shutil

import pytest

from django_network_hc.exceptions import SessionLostError, UndoError
from django_network_hc.models import HealthCheckSession, Network
from django_network_hc.services.folders import checksum, script_folder
from django_network_hc.services.known import digest
from django_network_hc.services.networks import take_in_tracker
from django_network_hc.services.processing import run_session
from django_network_hc.services.undoing import undo_last
from django_opskit.clock import ServerTime
from tests.network.samples import EXPECTED, NETWORK, TRACKER, tracker
from tests.network.test_commands import document
from tests.network.test_data_commands import existing
from tests.network.workspace import case_of, edit, opened, prepared, run_month

pytestmark = pytest.mark.django_db(transaction=True)


def test_older_tracker_that_is_saved_over_the_newer_one_changes_what_was_edited_in_it(
    root, tmp_path
):
    network = prepared(root)
    run_month(network, 0)
    path, old = script_folder().tracker(NETWORK), tmp_path / "old.xlsx"
    shutil.copyfile(path, old)
    network.cases.filter(state="OPEN").update(remarks="typed in the admin")
    run_month(network, 1)
    keys = [one for one in EXPECTED[2]["open_after"] if one in EXPECTED[0]["open_after"]]
    case = case_of(network, keys[0])
    remarks = network.cases.filter(remarks="typed in the admin").count()
    edit(old, case, "HW Type", "from the old one")
    shutil.copyfile(old, path)

    session = run_month(network, 2)

    case.refresh_from_db()
    assert case.hardware == "from the old one"
    assert session.counts == EXPECTED[2]["counts"]
    assert network.cases.filter(remarks="typed in the admin").count() == remarks


def test_first_tracker_that_is_saved_over_a_later_one_opens_nothing_again(root):
    network = prepared(root)
    first = run_month(network, 0)
    shutil.copyfile(TRACKER, script_folder().tracker(NETWORK))

    session = run_month(network, 1)

    assert session.counts == EXPECTED[1]["counts"]
    assert network.cases.filter(closed_by=first).count() == EXPECTED[0]["counts"]["closed"]


def test_blank_of_a_tracker_that_nobody_has_any_more_erases_nothing(root, tmp_path):
    network = prepared(root)
    first = run_month(network, 0)
    copy = tmp_path / "edited.xlsx"
    shutil.copyfile(script_folder().tracker(NETWORK), copy)
    network.cases.filter(state="OPEN").update(remarks="typed in the admin")
    count = network.cases.filter(remarks="typed in the admin").count()
    case = network.cases.filter(state="OPEN").first()
    edit(copy, case, "HW Type", "new")
    for file in script_folder().session(first.session_id).rglob("*.xlsx"):
        file.unlink()
    for setup in network.sessions.filter(session_type="NEW_NETWORK_SETUP"):
        shutil.rmtree(script_folder().session(setup.session_id))

    take_in_tracker(network, copy, copy.name, initiated_by="a test")

    case.refresh_from_db()
    assert case.hardware == "new"
    # Only a remark of the tracker's own stands in place of what was written here.
    still = network.cases.filter(state="OPEN")
    assert not still.filter(remarks="").exists()
    assert 0 < still.filter(remarks="typed in the admin").count() < count
    assert network.cases.filter(state="OPEN").count() == EXPECTED[0]["counts"]["open_after"]


def test_edited_first_tracker_erases_nothing_that_was_written_here(root, tmp_path):
    network = prepared(root)
    network.cases.filter(state="OPEN").update(card="typed in the admin")
    count = network.cases.filter(card="typed in the admin").count()
    copy = tmp_path / "edited.xlsx"
    shutil.copyfile(script_folder().tracker(NETWORK), copy)
    case = network.cases.filter(state="OPEN").first()
    edit(copy, case, "HW Type", "new")

    take_in_tracker(network, copy, copy.name, initiated_by="a test")

    case.refresh_from_db()
    assert case.hardware == "new"
    assert network.cases.filter(card="typed in the admin").count() == count


class _First:
    """The first open row of the sample's tracker."""

    hc_id, test, _priority, _issue, text = tracker().cases["OPEN"][0].key


FIRST = _First()


def test_tracker_that_is_there_counts_more_than_the_one_that_is_imported(root, tmp_path):
    source = existing(tmp_path / "old", NETWORK)
    existing(root, NETWORK)
    path = script_folder().tracker(NETWORK)
    edit(path, FIRST, "Remarks", "only here")
    before = checksum(path)

    document("hc_import", script_dir=source)

    assert checksum(path) == before
    assert Network.objects.get().tracker_sha256 == before


def test_status_that_is_written_here_while_a_report_is_judged_stays(root):
    network = prepared(root)
    run_month(network, 0)
    key = next(one for one in EXPECTED[1]["open_after"] if one in EXPECTED[0]["open_after"])
    case = case_of(network, key)
    edit(script_folder().tracker(NETWORK), case, "Status", "with vendor")
    session = opened(network, 1)

    def watch(percent, _text):
        if percent == 85:
            network.cases.filter(pk=case.pk).update(status="ordered part 4711")

    done = run_session(session, watch=watch)

    case.refresh_from_db()
    assert case.status == "ordered part 4711"
    assert any("the tracker has 'with vendor'" in note for note in done.notes)


def test_process_that_wakes_up_late_leaves_the_files_of_its_successor(root):
    network = prepared(root)
    session = opened(network, 0)
    seen = []

    def watch(percent, _text):
        if percent == 28 and not seen:
            seen.append(percent)
            rows = HealthCheckSession.objects.filter(pk=session.pk)
            rows.update(holder="another-host|1|1|a", expires_at=ServerTime(-1))
            other = HealthCheckSession.objects.get(pk=session.pk)
            run_session(other)

    with pytest.raises(SessionLostError):
        run_session(session, watch=watch)

    session.refresh_from_db()
    assert session.status == "COMPLETED"
    folder = script_folder().session(session.session_id)
    assert all((folder / one.path).is_file() for one in session.files.all())
    assert not list(folder.glob(".writing*"))


def test_directory_with_dots_is_the_one_that_is_meant(root, settings):
    settings.NETWORK_HC = {"SCRIPT_DIR": root / ".." / "Script"}

    network = prepared(root)

    assert run_month(network, 0).is_published


def test_masked_case_that_meets_an_added_row_is_refused_with_words(root, settings):
    settings.NETWORK_HC = {**settings.NETWORK_HC, "MASKED_TESTS": ["2.4.3", "9.7.4"]}
    network = prepared(root)
    run_month(network, 0)
    session = run_month(network, 1)
    session.refresh_from_db()
    pk, text = next(iter(session.before["renumbered"].items()))
    case = network.cases.get(pk=pk)
    twin = type(case).objects.get(pk=pk)
    twin.pk, twin.text, twin.opened_by = None, text, None
    twin.key = digest((twin.hc_id, twin.test, twin.priority, twin.issue, text))
    twin.save()

    with pytest.raises(UndoError, match="one finding"):
        undo_last(network, initiated_by="a test")
