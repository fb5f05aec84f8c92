"""Killed at any point, and several at once: everything or nothing, and never another's work."""

import json
import shutil
import signal
from collections import Counter

import pytest

from django_network_hc.models import HealthCheckSession
from django_network_hc.readers import read_tracker
from django_network_hc.services.folders import checksum, script_folder
from django_network_hc.services.known import known_of
from tests.network.samples import EXPECTED, NETWORK
from tests.network.workspace import month_files, prepared, run_month, state_of

pytestmark = pytest.mark.django_db(transaction=True)

# Ends its process as kill -9 does, at the moment when something is called.
DIE_AT = """
import os, signal
from django_network_hc.services import {module}
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
{module}.{name} = die
from django.core.management import call_command
call_command("hc_run", network={network!r}, report=__import__("pathlib").Path({report!r}),
             inventory=__import__("pathlib").Path({inventory!r}))
"""


@pytest.fixture
def env(root):
    """What tells another process where the files are."""
    return {"OPSKIT_NETWORK_HC": json.dumps({"SCRIPT_DIR": str(root)})}


def call(network, month):
    """Return the words of a command that runs a month."""
    report, inventory = month_files(month)
    return ("hc_run", "--network", network, "--report", report, "--inventory", inventory)


@pytest.mark.parametrize("percent", [5, 25, 48, 72, 85])
def test_session_that_is_killed_at_a_step_changes_nothing_and_goes_on(
    root, env, spawn, manage, percent
):
    network = prepared(root)
    run_month(network, 0)
    before = state_of(network), checksum(script_folder().tracker(NETWORK))
    process = spawn(*call(NETWORK, 1), "--verbosity", "2", env=env)
    assert process.stdout is not None

    for line in process.stdout:
        if line.lstrip().startswith(f"{percent} %"):
            process.send_signal(signal.SIGKILL)
            break
    process.communicate()

    assert process.returncode == -signal.SIGKILL
    assert (state_of(network), checksum(script_folder().tracker(NETWORK))) == before
    session = HealthCheckSession.objects.latest("pk")
    assert session.status == "PROCESSING"
    done = json.loads(manage("hc_run", "--resume", session, "--json", env=env).stdout)
    assert (done["session"], done["counts"]) == (str(session), EXPECTED[1]["counts"])


@pytest.mark.parametrize(
    ("module", "name", "is_written"),
    [
        # In the middle of the transaction, at its end, and between it and the tracker.
        ("writing", "put_runs", False),
        ("processing", "count_hits", False),
        ("processing", "keep_file", False),
        ("processing", "publish_tracker", True),
        ("publishing", "publish", True),
    ],
)
def test_process_that_dies_inside_has_written_all_or_nothing(
    root, env, spawn, module, name, is_written
):
    network = prepared(root)
    run_month(network, 0)
    before = state_of(network), checksum(script_folder().tracker(NETWORK))
    report, inventory = map(str, month_files(1))
    code = DIE_AT.format(
        module=module, name=name, network=NETWORK, report=report, inventory=inventory
    )

    process = spawn("shell", "-v", "0", "-c", code, env=env)
    output, _errors = process.communicate(timeout=120)

    assert process.returncode == -signal.SIGKILL, output
    assert checksum(script_folder().tracker(NETWORK)) == before[1]
    assert (state_of(network) == before[0]) is not is_written
    # The next month, or the same one, goes on from there.
    again = run_month(network, 1)
    assert again.counts == EXPECTED[1]["counts"]
    assert run_month(network, 2).counts == EXPECTED[2]["counts"]
    tracker = read_tracker(script_folder().tracker(NETWORK))
    assert tracker.columns.keys() == known_of(network).columns.keys()


def test_tracker_that_a_dead_process_has_not_put_in_its_place_is_put_there(root, env, spawn):
    network = prepared(root)
    report, inventory = map(str, month_files(0))
    code = DIE_AT.format(
        module="publishing", name="publish", network=NETWORK, report=report, inventory=inventory
    )
    spawn("shell", "-v", "0", "-c", code, env=env).communicate(timeout=120)

    output, _errors = spawn("hc_setup", "--action", "validate", env=env).communicate(timeout=60)

    assert "was put in its place" in output
    session = network.sessions.get(status="COMPLETED", report_on__isnull=False)
    assert session.is_published
    tracker = read_tracker(script_folder().tracker(NETWORK))
    assert [one.key for one in tracker.cases["MAIN"]] == [
        one.key for one in known_of(network).cases
    ]


def test_six_at_once_do_a_report_once(root, env, spawn):
    network = prepared(root)

    processes = [spawn(*call(NETWORK, 0), env=env) for _ in range(6)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]

    statuses = Counter(process.returncode for process in processes)
    assert set(statuses) <= {0, 75}, outputs
    assert statuses[0] >= 1
    done = network.sessions.filter(status="COMPLETED", report_on__isnull=False)
    assert [one.counts for one in done] == [EXPECTED[0]["counts"]]
    assert network.cases.count() == EXPECTED[0]["counts"]["main_rows"]


def test_two_networks_at_once_do_not_meet(root, env, spawn, tmp_path):
    networks = [prepared(root), prepared(root, name="Birch_DWDM")]
    report, inventory = month_files(0)
    other = tmp_path / report.name.replace(NETWORK, "Birch_DWDM")
    shutil.copyfile(report, other)
    calls = [
        call(NETWORK, 0),
        ("hc_run", "--network", "Birch_DWDM", "--report", other, "--inventory", inventory),
    ]

    processes = [spawn(*one, env=env) for one in calls]
    outputs = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], outputs
    for network in networks:
        done = network.sessions.get(status="COMPLETED", report_on__isnull=False)
        assert done.counts == EXPECTED[0]["counts"]
        assert network.cases.count() == EXPECTED[0]["counts"]["main_rows"]
        assert {one.network for one in known_of(network).cases[-10:]} == {network.name}
