"""How full a file system is, on the one that the tests run on."""

import shutil
from pathlib import Path

import pytest

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes import Disk
from tests.health.probes.outcomes import outcome_of


@pytest.mark.parametrize(
    ("warn_percent", "down_percent", "state"),
    [(0.0001, 0.0001, State.DOWN), (0.0001, 100, State.WARN), (100, 100, State.UP)],
)
def test_state_follows_what_is_used(tmp_path, warn_percent, down_percent, state):
    (tmp_path / "something").write_bytes(b"x" * 100_000)

    found, message = outcome_of(
        Disk(tmp_path, warn_percent=warn_percent, down_percent=down_percent)
    )

    assert found is state
    assert message.endswith((" % of the space used", " % of the inodes used"))


def test_percentage_is_of_what_this_user_may_use(tmp_path, monkeypatch):
    # A file system with blocks for root alone cannot be made here.
    usage = type(shutil.disk_usage(tmp_path))(total=1000, used=900, free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    assert outcome_of(Disk(tmp_path)) == (State.DOWN, "100.0 % of the space used")


def test_folder_that_is_not_there_is_unknown(tmp_path):
    assert outcome_of(Disk(tmp_path / "gone")) == (
        State.UNKNOWN,
        f"'{tmp_path / 'gone'}' cannot be looked at: No such file or directory",
    )


def test_file_system_without_blocks_and_inodes_counts_as_full():
    # /proc has no size at all.
    if Path("/proc/self").exists():
        assert outcome_of(Disk("/proc"))[0] is State.DOWN


@pytest.mark.parametrize(
    "options",
    [
        {"warn_percent": 0},
        {"down_percent": 101},
        {"warn_percent": 96},
    ],
)
def test_wrong_percentage_is_named(options):
    with pytest.raises(CheckSetupError, match="warn_percent and down_percent"):
        Disk(**options)


def test_name_tells_the_path():
    assert Disk().name == "Disk /"
    assert Disk(Path("/var")).name == "Disk /var"
