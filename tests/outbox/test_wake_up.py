"""Idle workers hear of new jobs, and do not look for them all the time."""

import sys
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from django_outbox.backends.links import link_for
from django_outbox.backends.links.file_watch import FileWatch
from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob, OutboxWorker
from django_outbox.services.forecast import seconds_until_due
from tests.outbox.running import in_thread, statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def idle(start):
    """A worker that would look again only after an hour."""
    running = start(poll_seconds=3600)
    wait_for(OutboxWorker.objects.exists)
    wait_for(lambda: running.worker._idle_looks > 1)
    return running


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_idle_worker_is_woken_by_a_job(idle):
    enqueue("TEST_JOB")

    wait_for(lambda: statuses() == {"COMPLETED": 1}, seconds=20)


@pytest.mark.sqlite
@pytest.mark.postgresql
def test_idle_worker_is_woken_when_the_transaction_commits_and_not_before(idle):
    with transaction.atomic():
        enqueue("TEST_JOB")
        looks = idle.worker._idle_looks
        # As long as several wake-ups would take.
        time.sleep(0.2)
        assert idle.worker._idle_looks <= looks + 1

    wait_for(lambda: statuses() == {"COMPLETED": 1}, seconds=20)


@pytest.mark.sqlite
def test_worker_looks_at_the_file_where_the_system_does_not_tell_of_writes(start, monkeypatch):
    def refuse(paths):
        raise OSError("no more watches")

    monkeypatch.setattr("django_outbox.backends.links.sqlite.FileWatch", refuse)
    running = start(poll_seconds=3600)
    wait_for(OutboxWorker.objects.exists)
    wait_for(lambda: running.worker._idle_looks > 1)

    enqueue("TEST_JOB")

    wait_for(lambda: statuses() == {"COMPLETED": 1}, seconds=20)


@pytest.fixture
def link():
    """The line of a worker that does nothing else."""
    opened = link_for("h:1:a", using="default", with_lock=False, with_news=True)
    opened.open()
    yield opened
    opened.end()


@pytest.mark.sqlite
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")
def test_system_tells_of_writes_and_nobody_looks_in_between(link, monkeypatch):
    looks = []
    ask = link._has_changed
    monkeypatch.setattr(link, "_has_changed", lambda: looks.append(1) or ask())

    assert link.wait(0.3) is False
    assert len(looks) == 1
    enqueue("TEST_JOB")
    assert link.wait(20) is True


@pytest.mark.sqlite
def test_one_who_writes_all_the_time_and_commits_nothing_holds_up_nobody(
    link, monkeypatch, tmp_path
):
    """A large transaction spills into the file for minutes; a worker that stops waits for us."""
    # A file of its own: to open the database's beside SQLite would take its locks away.
    path = tmp_path / "spilled"
    path.touch()
    monkeypatch.setattr(link, "_written", (str(path),))
    monkeypatch.setattr(link, "_has_changed", lambda: False)
    link.close()
    link.open()
    over = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            for _ in range(2000):
                file.write(b".")
                if over.wait(0.005):
                    return

    writer = in_thread(write)
    heard = link.wait(0.2)
    is_writing = writer.is_alive()
    over.set()
    writer.join()

    assert heard is False
    assert is_writing


def test_file_that_is_not_there_cannot_be_watched(tmp_path):
    with pytest.raises(OSError, match="inotify"):
        FileWatch([str(tmp_path / "missing")])


def test_worker_sleeps_until_the_next_job_is_due(start):
    enqueue("TEST_JOB", run_after=timedelta(seconds=1.5))
    start(poll_seconds=3600)

    wait_for(lambda: statuses() == {"COMPLETED": 1}, seconds=20)

    job = OutboxJob.objects.get()
    assert job.started_at >= job.run_after


def test_worker_that_nobody_wakes_looks_less_and_less_often(start, settings):
    running = start(poll_seconds=1)
    wait_for(lambda: running.worker._idle_looks > 8)
    if connection.vendor != "mysql":
        pytest.skip("this database tells its workers")

    waits = [running.worker._wait_seconds() for _ in range(5)]

    assert running.worker._presence.looks_often
    assert all(0.8 < wait_s <= 1.2 for wait_s in waits)


@pytest.mark.mariadb
def test_job_is_found_soon_by_a_worker_that_was_just_busy(start):
    running = start(poll_seconds=3600)
    enqueue("TEST_JOB")
    wait_for(lambda: statuses() == {"COMPLETED": 1}, seconds=20)
    enqueue("TEST_JOB")

    wait_for(lambda: statuses() == {"COMPLETED": 2}, seconds=20)

    assert running.worker.options.poll_seconds == 3600


def test_worker_keeps_to_its_poll_seconds_when_nobody_shall_wake_it(start, settings):
    settings.OUTBOX = {"WAKE_UP": False}
    running = start(poll_seconds=0.1)
    enqueue("TEST_JOB")

    wait_for(lambda: statuses() == {"COMPLETED": 1})

    assert not running.worker._presence.looks_often


def test_forecast_is_the_first_due_time_over_all_priorities():
    enqueue("TEST_JOB", priority=5, run_after=timedelta(hours=2))
    enqueue("TEST_JOB", priority=-5, run_after=timedelta(hours=1))
    enqueue("TEST_JOB", priority=0, run_after=timedelta(hours=3))

    left = seconds_until_due(["default"], using="default")

    assert left is not None
    assert 3500 < left <= 3600


def test_forecast_is_zero_for_a_job_that_is_due_and_nothing_for_an_empty_queue():
    assert seconds_until_due(["default"], using="default") is None

    enqueue("TEST_JOB", run_after=timezone.now() - timedelta(days=1))

    assert seconds_until_due(["default"], using="default") == 0
