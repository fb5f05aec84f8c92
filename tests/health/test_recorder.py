"""What the recorder does with rounds that the database does not take in time."""

import time

import pytest
from django.db import DEFAULT_DB_ALIAS

from django_health_check_job.services.lease import Lease
from django_health_check_job.services.recorder import Recorder
from django_health_check_job.services.spool import Spool
from tests.health.making import NOON, Site, seconds

_AT_MOST = 100


@pytest.fixture
def recorder(tmp_path):
    """A recorder that is not started: its thread is the database that does not come."""
    lease = Lease("me", seconds=30, using=DEFAULT_DB_ALIAS)
    spool = Spool(tmp_path, "me")
    yield Recorder(lease, spool, using=DEFAULT_DB_ALIAS, on_change=lambda: None)
    spool.close()


def kept(recorder) -> int:
    file = recorder.own_spool
    return 0 if file is None else len(list(file.entries()))


def put(recorder, count: int, state: str) -> None:
    site = Site(failures=1)
    for number in range(count):
        recorder.put(site.entry(NOON + seconds(number), A=state))


def test_rounds_wait_in_memory_while_they_are_few(recorder):
    put(recorder, _AT_MOST, "UP")

    recorder.relieve()

    assert kept(recorder) == 0


def test_rounds_of_a_slow_database_do_not_fill_the_memory(recorder, changes):
    put(recorder, _AT_MOST + 1, "DOWN")

    recorder.relieve()

    assert kept(recorder) == _AT_MOST + 1
    assert len(changes) == 1
    recorder.relieve()
    assert kept(recorder) == _AT_MOST + 1


def test_round_under_way_is_kept_only_when_its_statement_hangs(recorder):
    entry = Site().entry(A="UP")
    put(recorder, _AT_MOST + 1, "UP")
    recorder._current = entry
    recorder._busy_since = time.monotonic()

    recorder.relieve()
    assert kept(recorder) == _AT_MOST + 1

    recorder._busy_since = time.monotonic() - 60
    recorder.relieve()
    assert kept(recorder) == _AT_MOST + 2
