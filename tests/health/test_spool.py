"""What the database does not take waits in a file, through crashes and full disks."""

import os
import resource
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from django_health_check_job.conf import get_conf
from django_health_check_job.engine.outcome import Outcome, State
from django_health_check_job.engine.round import Entry, Round
from django_health_check_job.exceptions import SpoolError
from django_health_check_job.services.spool import Spool

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def entry(number: int = 0, *, message: str = "OK") -> Entry:
    outcome = Outcome("Check", "check", State.UP, message, NOON + timedelta(seconds=number), 0.1)
    return Entry(Round(uuid4(), outcome.started_at, 0.1, (outcome,)), {}, [])


@pytest.fixture
def spool(tmp_path):
    one = Spool(tmp_path / "spool", "me")
    yield one
    one.close()


def kept(spool: Spool) -> list[Entry]:
    return [] if spool.own is None else [one for _offset, one in spool.own.entries()]


def test_entries_come_back_in_their_order(spool):
    entries = [entry(number) for number in range(3)]
    for one in entries:
        spool.add(one)

    assert kept(spool) == entries


def test_folder_is_closed_to_others(spool):
    spool.add(entry())

    assert spool.folder.stat().st_mode & 0o077 == 0
    assert spool.own.path.stat().st_mode & 0o077 == 0


def test_line_that_was_cut_short_is_left_out_and_the_next_one_is_whole(spool):
    first, second = entry(1), entry(2)
    spool.add(first)
    path = spool.own.path
    spool.close()
    with path.open("ab") as file:
        file.write(b'0123abcd {"uuid": "half')

    again = Spool(spool.folder, "me")
    again.add(second)

    assert kept(again) == [first, second]
    again.close()


def test_damaged_line_hides_no_other(spool):
    entries = [entry(number) for number in range(3)]
    for one in entries:
        spool.add(one)
    text = spool.own.path.read_bytes()
    lines = text.splitlines(keepends=True)
    spool.own.path.write_bytes(lines[0] + lines[1].replace(b"check", b"chock") + lines[2])

    assert kept(spool) == [entries[0], entries[2]]


def test_file_of_a_living_monitor_is_not_taken(spool):
    spool.add(entry())
    other = Spool(spool.folder, "other")

    assert list(other.abandoned()) == []


def test_file_of_a_dead_monitor_is_taken_over(spool):
    one = entry()
    spool.add(one)
    path = spool.own.path
    kept_text = path.read_bytes()
    spool.close()
    path.write_bytes(kept_text)

    other = Spool(spool.folder, "other")
    found = [found for file in other.abandoned() for _offset, found in file.entries()]

    assert found == [one]


def test_empty_file_goes(spool):
    spool.add(entry())
    path = spool.own.path
    spool.own.clear(spool.own.size)

    spool.close()

    assert not path.exists()


def test_what_came_in_the_meantime_is_not_cleared(spool):
    spool.add(entry(1))
    up_to, last = spool.own.size, entry(2)
    spool.add(last)

    spool.own.clear(up_to)

    assert kept(spool)[-1] == last


def test_what_was_sent_is_known_after_a_restart_until_the_file_is_cleared(spool):
    spool.add(entry(1))
    own = spool.own
    own.mark_sent(own.size, generation=own.generation)
    spool.add(entry(2))
    assert [one.is_sent for one in kept(spool)] == [True, False]

    stale = own.generation
    own.clear(own.size)
    own.mark_sent(10_000, generation=stale)
    spool.add(entry(3))

    assert [one.is_sent for one in kept(spool)] == [False]


def test_folder_of_somebody_else_is_refused(spool, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    spool.folder.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(SpoolError, match="belongs to another user"):
        spool.add(entry())


def test_link_in_place_of_the_file_is_not_followed(spool, tmp_path):
    spool.folder.mkdir(mode=0o700)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (spool.folder / "me.spool").symlink_to(victim)

    with pytest.raises(SpoolError):
        spool.add(entry())

    assert victim.read_text() == "precious"


def test_full_disk_is_said_and_leaves_no_half_line(tmp_path):
    program = f"""
import resource, signal, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
from tests.health.test_spool import entry, kept
from django_health_check_job.exceptions import SpoolError
from django_health_check_job.services.spool import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path({str(tmp_path)!r}) / "spool", "me")
first = entry(1)
spool.add(first)
limit = spool.own.size + 100
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    spool.add(entry(2, message="x" * 1000))
except SpoolError as error:
    print(error)
print(kept(spool) == [first], spool.own.path.read_bytes().endswith(b"\\n"))
"""
    assert resource.RLIMIT_FSIZE is not None
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ},
    )

    assert "cannot be written to: File too large" in done.stdout, done.stderr
    assert done.stdout.endswith("True True\n")


@pytest.mark.parametrize(
    "other",
    [
        {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "other"},
        {"ENGINE": "django.db.backends.postgresql", "NAME": "office", "HOST": "here"},
        {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"service": "shop"}},
        {"ENGINE": "django.db.backends.sqlite3", "NAME": "shop"},
        {},
    ],
)
def test_sites_with_other_databases_have_other_folders(settings, monkeypatch, other):
    settings.HEALTH_CHECK_JOB = {}

    def folder(database):
        monkeypatch.setitem(settings.DATABASES, "default", database)
        return get_conf().spool_folder

    ours = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "here"}
    assert folder(ours) == folder({**ours, "PASSWORD": "changed"})
    assert folder(ours) != folder(other)


def test_same_file_name_in_two_projects_is_two_databases(settings, tmp_path, monkeypatch):
    settings.HEALTH_CHECK_JOB = {}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    folders = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        folders.add(get_conf().spool_folder)

    assert len(folders) == 2
