"""Workers that show that they live, and take over from those that do not."""

import os
import shutil
import signal
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from django_opskit.clock import ServerTime
from django_outbox.backends.links import link_for
from django_outbox.dispatcher import enqueue
from django_outbox.models import JobStatus, OutboxJob, OutboxWorker
from django_outbox.services.identity import worker_name
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for
from tests.processes import read_until

pytestmark = pytest.mark.django_db(transaction=True)

# Long enough that nobody waits for the end of a lease by mistake.
LONG_LEASE = '{"LEASE_SECONDS": 3600, "HEARTBEAT_SECONDS": 900}'


@pytest.fixture(autouse=True)
def nobody_has_died_yet(transactional_db):
    """SQLite: remove the files of workers that earlier tests have killed."""
    if connection.vendor == "sqlite":
        shutil.rmtree(f"{connection.settings_dict['NAME']}-outbox", ignore_errors=True)


def begun(log, *, attempt=1):
    return [row for row in read_log(log) if row["word"] == "began" and row["attempt"] == attempt]


def a_dead_worker(**facts):
    """Store the row of a worker whose lock nobody holds, and return its name."""
    name = worker_name()
    OutboxWorker.objects.create(name=name, host="h", pid=1, has_lock=True, **facts)
    link = link_for(name, using="default", with_lock=True, with_news=False)
    if connection.vendor == "sqlite":
        # What kill -9 leaves there: a file without a lock.
        link.open()
        link.take_lock()
        os.close(link._lock)
        link._lock = None
    link.end()
    return name


def held_by(worker, **facts):
    """Store a job that this worker took a moment ago."""
    return OutboxJob.objects.create(
        job_type="TEST_JOB",
        status=JobStatus.IN_PROGRESS,
        worker=worker,
        claim_no=1,
        attempts=1,
        started_at=ServerTime(),
        lease_until=timezone.now() + timedelta(hours=1),
        **facts,
    )


def test_jobs_of_a_killed_worker_are_taken_over_long_before_their_leases_end(spawn, tmp_path):
    log = tmp_path / "log"
    until = tmp_path / "until"
    # The first worker never finishes one of them, however long a busy machine takes.
    until.with_suffix(".2").touch()
    for _ in range(3):
        enqueue("WAIT_FOR_FILE", payload={"log": str(log), "until": str(until), "asks": False})
    first = spawn("worker_run", "--concurrency", 3, env={"OPSKIT_OUTBOX": LONG_LEASE})
    wait_for(lambda: len(begun(log)) == 3)
    second = spawn("worker_run", "--concurrency", 3, env={"OPSKIT_OUTBOX": LONG_LEASE})
    read_until(second, "started")

    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_for(lambda: statuses() == {"COMPLETED": 3})

    assert len(begun(log, attempt=2)) == 3


def test_worker_that_starts_after_the_death_of_the_only_one_takes_its_jobs_over(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", payload={"log": str(log), "seconds": 2})
    first = spawn("worker_run", env={"OPSKIT_OUTBOX": LONG_LEASE})
    wait_for(lambda: begun(log))
    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    spawn("worker_run", env={"OPSKIT_OUTBOX": LONG_LEASE})
    wait_for(lambda: statuses() == {"COMPLETED": 1})

    assert OutboxJob.objects.get().attempts == 2


def test_worker_writes_down_that_it_is_there_and_a_clean_stop_removes_it(start):
    running = start(concurrency=2)
    wait_for(OutboxWorker.objects.exists)
    row = OutboxWorker.objects.get()

    running.stop()

    assert (row.name, row.pid, row.queues) == (running.worker.name, os.getpid(), ["default"])
    assert (row.concurrency, row.has_lock) == (2, True)
    assert abs(row.seen_at - timezone.now()) < timedelta(minutes=1)
    assert not OutboxWorker.objects.exists()


def test_worker_without_locks_says_so_and_is_never_called_dead(start, settings):
    settings.OUTBOX = {"LIVENESS_LOCKS": False}
    start()
    wait_for(OutboxWorker.objects.exists)

    link = link_for(worker_name(), using="default", with_lock=True, with_news=False)
    link.open()
    assert link.take_lock()
    dead = link.find_dead()
    link.end()

    assert not OutboxWorker.objects.get().has_lock
    assert dead == set()


def test_one_link_keeps_watch_and_the_next_one_follows_it():
    dead = a_dead_worker()
    first, second = (
        link_for(worker_name(), using="default", with_lock=True, with_news=False) for _ in range(2)
    )
    for link in (first, second):
        link.open()
        assert link.take_lock()

    assert first.find_dead() == {dead}
    assert second.find_dead() == set()
    first.end()
    wait_for(lambda: second.find_dead() == {dead})
    second.end()


def test_links_that_hold_their_locks_are_alive():
    watcher, other = worker_name(), worker_name()
    first, second = (
        link_for(name, using="default", with_lock=True, with_news=False)
        for name in (watcher, other)
    )
    for link in (first, second):
        link.open()
        assert link.take_lock()
    OutboxWorker.objects.create(name=other, host="h", pid=1, has_lock=True)

    assert first.find_dead() == set()
    second.end()
    first.end()


def test_row_of_a_dead_worker_goes_when_its_last_statement_can_be_no_more(start, monkeypatch):
    monkeypatch.setattr("django_outbox.services.presence._LAST_WORDS_SECONDS", 0.5)
    dead = a_dead_worker()
    start()

    wait_for(lambda: not OutboxWorker.objects.filter(name=dead).exists())


def test_claim_that_the_server_finishes_after_its_worker_died_is_found_too(start):
    dead = a_dead_worker()
    held_by(dead)
    start()
    wait_for(lambda: statuses() == {"COMPLETED": 1})

    late = held_by(dead)
    wait_for(lambda: statuses() == {"COMPLETED": 2})

    late.refresh_from_db()
    assert late.attempts == 2


def test_dead_workers_job_without_attempts_left_is_a_dead_letter_with_a_reason(start):
    job = held_by(a_dead_worker(), max_attempts=1)
    start()

    wait_for(lambda: statuses() == {"FAILED": 1})

    job.refresh_from_db()
    assert "died while it held the job" in job.last_error


def test_rows_of_workers_that_died_without_a_lock_are_forgotten(start):
    OutboxWorker.objects.create(
        name="old:1:x", host="old", pid=1, seen_at=timezone.now() - timedelta(hours=1)
    )
    start()

    wait_for(lambda: not OutboxWorker.objects.filter(name="old:1:x").exists())


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_worker_whose_link_was_cut_comes_back_and_keeps_its_jobs(start, handle):
    import threading

    release = threading.Event()
    handle("TEST_JOB", lambda job: release.wait(30))
    running = start()
    job = enqueue("TEST_JOB")
    wait_for(lambda: statuses() == {"IN_PROGRESS": 1})
    other = start()
    link = running.worker._presence._link
    broken = link._connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s)", [broken.connection.info.backend_pid])
        else:
            cursor.execute("KILL %s", [broken.connection.thread_id()])
    wait_for(lambda: link._connection is not broken and link._connection is not None)
    looks = other.worker._presence
    wait_for(lambda: running.worker.name not in looks._suspects)
    release.set()
    wait_for(lambda: statuses() == {"COMPLETED": 1})

    job.refresh_from_db()
    assert job.attempts == 1


@pytest.mark.sqlite
def test_lock_file_is_gone_after_a_clean_stop(start):
    running = start()
    wait_for(OutboxWorker.objects.exists)
    folder = running.worker._presence._link._folder
    before = {path.name for path in folder.iterdir()}

    running.stop()

    assert before - {path.name for path in folder.iterdir()} - {"watch"}


@pytest.mark.sqlite
def test_database_in_memory_has_no_lock_and_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(connection.settings_dict, "NAME", "file:x?mode=memory&cache=shared")

    link = link_for("h:1:x", using="default", with_lock=True, with_news=False)
    link.open()
    has_lock = link.take_lock()
    link.end()

    assert not has_lock
    assert list(tmp_path.iterdir()) == []
