"""The site's own script runs in a copy, and only a tracker that can be read counts."""

import textwrap
import time

import pytest

from django_network_hc.exceptions import CancelledError, ScriptError
from django_network_hc.models import HealthCheckSession
from django_network_hc.services.folders import checksum, script_folder
from django_network_hc.services.processing import run_session
from django_network_hc.services.sessions import cancel
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import opened, prepared, run_month, state_of

pytestmark = pytest.mark.django_db(transaction=True)

# What a script of this kind does: one report, one inventory, the tracker overwritten in place.
GOOD = """
import datetime, glob, shutil, openpyxl
reports = glob.glob("input-hc-report/*.xlsx")
assert len(reports) == len(glob.glob("input-hc-report/*.csv")) == 1
(tracker,) = glob.glob("*_HC_Issues_Tracker.xlsx")
book = openpyxl.load_workbook(tracker)
sheet = book["NODE COVERAGE"]
sheet.cell(1, sheet.max_column + 1).value = datetime.datetime(2025, 2, 6)
book.save(tracker)
shutil.copy(tracker, "output/" + tracker.replace(".xlsx", "_06-02-2025.xlsx"))
open("output/extra.txt", "w").write("made by the script")
print("all done")
"""


@pytest.fixture
def network(root, settings):
    """A network whose reports the script works on."""
    found = prepared(root)
    settings.NETWORK_HC = {**settings.NETWORK_HC, "ENGINE": "script", "SCRIPT_TIMEOUT_SECONDS": 60}
    return found


def script(text):
    (script_folder().root / "main.py").write_text(textwrap.dedent(text))


def last():
    return HealthCheckSession.objects.latest("pk")


def test_its_tracker_is_published_and_the_cases_are_those_of_the_report(network):
    (script_folder().root / "Other_HC_Issues_Tracker.xlsx").write_bytes(b"of another network")
    script(GOOD)

    session = run_month(network, 0)

    assert (session.status, session.counts) == ("COMPLETED", EXPECTED[0]["counts"])
    names = {one.name for one in session.files.all()}
    assert {"extra.txt", "stdout.txt", f"{NETWORK}_HC_Issues_Tracker_06-02-2025.xlsx"} <= names
    tracker = session.files.get(kind="TRACKER_GENERATED")
    assert checksum(script_folder().tracker(NETWORK)) == tracker.sha256
    folder = script_folder().session(session.session_id)
    assert (folder / "script" / "stdout.txt").read_text() == "all done\n"
    assert any("open cases in MAIN; this app counts" in note for note in session.notes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("print('load the files properly')", "load the files properly"),
        ("raise SystemExit(0)", "ended with 0 and wrote no tracker"),
        ("1 / 0", "ZeroDivisionError"),
        ("print('\\0')", "wrote no tracker"),
        (
            f"import os; os.remove('{NETWORK}_HC_Issues_Tracker.xlsx'); "
            f"os.mkdir('{NETWORK}_HC_Issues_Tracker.xlsx')",
            "wrote no tracker",
        ),
        (f"open('{NETWORK}_HC_Issues_Tracker.xlsx', 'w').write('x')", "wrote no tracker"),
        (GOOD.replace("datetime(2025, 2, 6)", "datetime(2025, 1, 7)"), "no column of 2025-02-06"),
    ],
)
def test_script_that_leaves_no_good_tracker_changes_nothing(network, text, words):
    script(text)
    before = state_of(network), checksum(script_folder().tracker(NETWORK))

    with pytest.raises(ScriptError) as caught:
        run_month(network, 0)

    assert words in str(caught.value)
    assert last().status == "FAILED"
    assert last().files.filter(kind="LOG").count() == 2
    assert (state_of(network), checksum(script_folder().tracker(NETWORK))) == before


def test_missing_script_is_said(network):
    with pytest.raises(ScriptError, match=r"main\.py is missing"):
        run_month(network, 0)


def test_script_that_takes_too_long_is_ended_with_what_it_started(network, settings, tmp_path):
    settings.NETWORK_HC = {**settings.NETWORK_HC, "SCRIPT_TIMEOUT_SECONDS": 1}
    alive = tmp_path / "alive"
    script(
        f"""
        import subprocess, sys, time
        code = "import time; from pathlib import Path\\n"
        code += "while 1: time.sleep(.1); Path({str(alive)!r}).touch()"
        subprocess.Popen([sys.executable, "-c", code])
        time.sleep(60)
        """
    )

    with pytest.raises(ScriptError, match="longer than 1 seconds"):
        run_month(network, 0)

    alive.unlink(missing_ok=True)
    time.sleep(0.5)
    assert not alive.exists()


def test_cancelled_session_ends_its_script(network):
    script("import time; time.sleep(60)")
    session = opened(network, 0)

    def watch(_percent, text):
        if text == "main.py is at work":
            cancel(HealthCheckSession.objects.get(pk=session.pk))

    with pytest.raises(CancelledError):
        run_session(session, watch=watch)

    session.refresh_from_db()
    assert session.status == "CANCELLED"
