"""A worker's lines to others: its link to the database, its lock, its handlers' processes."""

import os
import resource
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from django_opskit.clock import ServerTime
from django_outbox.backends.links import Link, link_for
from django_outbox.dispatcher import enqueue
from django_outbox.exceptions import HandlerTimeoutError
from django_outbox.models import JobStatus, OutboxAttempt, OutboxJob, OutboxWorker
from django_outbox.services.child_process import HandlerProcess
from django_outbox.services.context import JobContext
from django_outbox.services.identity import worker_name
from django_outbox.services.presence import Presence
from django_outbox.services.registry import registry
from django_outbox.services.takeover import forget_silent_workers
from tests import processes
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for
from tests.processes import read_until

pytestmark = pytest.mark.django_db(transaction=True)

SESSION_SQL = {
    "postgresql": """
        SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND objid::bigint = (hashtext(%s)::bigint & 4294967295)
    """,
    "mysql": "SELECT IS_USED_LOCK(CONCAT('outbox:', SHA1(CONCAT(DATABASE(), ':', %s))))",
}
KILL_SQL = {"postgresql": "SELECT pg_terminate_backend(%s)", "mysql": "KILL %s"}


@pytest.fixture(autouse=True)
def nobody_has_died_yet(transactional_db):
    """SQLite: remove the files of workers that earlier tests have killed."""
    if connection.vendor == "sqlite":
        shutil.rmtree(f"{connection.settings_dict['NAME']}-outbox", ignore_errors=True)


@pytest.fixture
def link() -> Iterator[Callable[..., Link]]:
    """Opens links; none outlives the test."""
    with ExitStack() as stack:

        def open_link(name: str = "", *, with_news: bool = False) -> Link:
            one = link_for(
                name or worker_name(), using="default", with_lock=True, with_news=with_news
            )
            stack.callback(one.end)
            one.open()
            return one

        yield open_link


@pytest.fixture
def many_files() -> Iterator[None]:
    """Open more files than select() can tell apart."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2048
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"a process may open only {hard} files here, and this needs {wanted}")
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    yield
    for descriptor in opened:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def session_of(worker: str) -> int | None:
    """Return the server's number for the session that holds this worker's lock."""
    with connection.cursor() as cursor:
        cursor.execute(SESSION_SQL[connection.vendor], [worker])
        row = cursor.fetchone()
    return row[0] if row else None


def kill_link(worker: str) -> None:
    """End the session that holds this worker's lock, and wait until it has another."""
    killed = session_of(worker)
    with connection.cursor() as cursor:
        cursor.execute(KILL_SQL[connection.vendor], [killed])
    wait_for(lambda: session_of(worker) not in (None, killed))


def a_silent_worker(name: str, *, seconds: float, has_lock: bool) -> None:
    seen_at = timezone.now() - timedelta(seconds=seconds)
    OutboxWorker.objects.create(name=name, host="h", pid=1, has_lock=has_lock, seen_at=seen_at)


def test_link_of_a_process_with_many_files_waits_and_hears(many_files, link):
    one = link(with_news=True)
    assert one.take_lock()
    assert one._read_end > 1023
    while one.wait(0.1):
        pass

    enqueue("TEST_JOB")

    assert one.wait(5 if one.brings_news else 0.1) is one.brings_news
    one.find_dead()


def test_worker_of_a_process_with_many_files_keeps_its_link(many_files, start, caplog):
    running = start()
    wait_for(lambda: OutboxWorker.objects.filter(name=running.worker.name, has_lock=True).exists())

    enqueue("TEST_JOB")
    wait_for(lambda: statuses() == {"COMPLETED": 1})
    running.stop()

    assert "has no link" not in caplog.text


@pytest.mark.postgresql
def test_news_that_came_along_with_an_answer_are_heard(link):
    """A session hears its own notice with the answer to it, and nothing is left on the wire."""
    one = link(with_news=True)

    one._execute("NOTIFY outbox_job, 'default'")

    assert one.wait(0.5)
    assert not one.wait(0)


def test_link_that_is_asked_for_nothing_waits_in_peace(transactional_db):
    one = link_for(worker_name(), using="default", with_lock=False, with_news=False)
    one.open()

    assert not one.take_lock()
    assert not one.wait(0.01)
    assert one.find_dead() == set()
    one.end()


def test_worker_without_locks_and_news_works_and_complains_of_nothing(start, settings, caplog):
    settings.OUTBOX = {"LIVENESS_LOCKS": False, "WAKE_UP": False}
    start()
    enqueue("TEST_JOB")

    wait_for(lambda: statuses() == {"COMPLETED": 1})

    assert "no link" not in caplog.text


def test_link_that_fails_at_each_look_is_not_opened_without_a_pause(monkeypatch):
    presence = Presence(
        worker_name(),
        queues=["default"],
        concurrency=1,
        lease_seconds=60,
        every_seconds=15,
        using="default",
        with_lock=True,
        with_news=False,
        on_news=lambda: None,
    )
    pauses: list[float] = []

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == 3:
            presence.ended.set()
        return bool(presence.ended.is_set())

    def fail(seconds: float) -> bool:
        raise OSError("gone")

    monkeypatch.setattr(presence.ended, "wait", pause)
    monkeypatch.setattr(presence._link, "wait", fail)

    presence.run()

    assert len(pauses) == 3
    assert min(pauses) > 0


def test_lock_that_was_held_at_the_start_is_taken_when_it_is_free(link):
    """The server may keep a session for a while after its client has given it up."""
    name = worker_name()
    old = link(name)
    assert old.take_lock()
    presence = Presence(
        name,
        queues=["default"],
        concurrency=1,
        lease_seconds=60,
        every_seconds=0.05,
        using="default",
        with_lock=True,
        with_news=False,
        on_news=lambda: None,
    )
    mine = OutboxWorker.objects.filter(name=name)

    with presence:
        wait_for(mine.exists)
        assert not mine.get().has_lock
        old.end()
        wait_for(lambda: mine.get().has_lock)

    assert not mine.exists()


@pytest.mark.parametrize(
    ("seconds", "has_lock", "is_kept"),
    [
        (100, False, True),  # less than the leases that the settings name
        (3600, False, False),
        (3600, True, True),  # its lock would tell
        (2 * 86_400, True, False),
    ],
)
def test_worker_with_short_leases_knows_that_others_sign_less_often(seconds, has_lock, is_kept):
    a_silent_worker("h:1:other", seconds=seconds, has_lock=has_lock)

    forget_silent_workers(1.0, using="default")

    assert OutboxWorker.objects.exists() is is_kept


def test_lock_that_is_free_for_a_moment_is_only_a_suspicion(start, link, monkeypatch):
    """A worker whose link has broken is about to make another."""
    monkeypatch.setattr("django_outbox.services.presence._FREE_SECONDS", 3600)
    name = worker_name()
    OutboxWorker.objects.create(name=name, host="h", pid=1, has_lock=True)
    enqueue("TEST_JOB")
    OutboxJob.objects.update(
        status=JobStatus.IN_PROGRESS,
        worker=name,
        claim_no=1,
        attempts=1,
        lease_until=ServerTime(3600),
    )
    back = link(name)
    if connection.vendor == "sqlite":
        # There a lock that nobody holds is a file with a name in it.
        back._folder.mkdir(exist_ok=True)
        back._file_of(name).write_text(name)
    looks = start().worker._presence
    wait_for(lambda: name in looks._suspects)

    wait_for(back.take_lock)
    wait_for(lambda: name not in looks._suspects)

    assert statuses() == {"IN_PROGRESS": 1}


@pytest.mark.postgresql
@pytest.mark.mariadb
def test_worker_whose_link_is_cut_twice_keeps_its_jobs(start, handle, settings, monkeypatch):
    settings.OUTBOX = {"QUEUES": {"mail": {}}}
    # A busy machine may need longer than usual for a new connection.
    monkeypatch.setattr("django_outbox.services.presence._FREE_SECONDS", 3)
    release = threading.Event()
    handle("TEST_JOB", lambda job: release.wait(30))
    watching = start(queues=["default"]).worker._presence
    wait_for(lambda: watching._link._is_watching)
    running = start(queues=["mail"])
    job = enqueue("TEST_JOB", queue="mail")
    wait_for(lambda: statuses() == {"IN_PROGRESS": 1})

    for _ in range(2):
        kill_link(running.worker.name)
    before = watching._suspects
    wait_for(lambda: watching._suspects is not before)
    release.set()
    wait_for(lambda: statuses() == {"COMPLETED": 1})

    job.refresh_from_db()
    assert job.attempts == 1


def test_forked_child_does_not_keep_the_lock_of_its_dead_worker(spawn, link):
    name = worker_name()
    code = f"""
import os, time
from django_outbox.backends.links import link_for
link = link_for({name!r}, using="default", with_lock=True, with_news=False)
link.open()
assert link.take_lock()
child = os.fork()
if child:
    print("forked", child, flush=True)
time.sleep(600)
"""
    worker = spawn("shell", "--command", code)
    child = int(read_until(worker, "forked").split()[-1])
    other = link(name)
    assert not other.take_lock()

    worker.kill()
    worker.wait(30)
    wait_for(other.take_lock, seconds=10)

    os.kill(child, 0)  # it lives


class TestChildThatDiesSlowly:
    @pytest.fixture(autouse=True)
    def _children_see_the_test_database(self, monkeypatch):
        for name, value in processes.environment().items():
            monkeypatch.setenv(name, value)

    def test_child_is_gone_when_its_timeout_is_told(self, tmp_path):
        log = tmp_path / "log"
        job = enqueue("PROCESS_TIMEOUT", None, {"log": str(log)})
        process = HandlerProcess()

        with pytest.raises(HandlerTimeoutError):
            process.call(registry.get("PROCESS_TIMEOUT"), JobContext(job, "default"))

        # Not even a zombie is left of it.
        with pytest.raises(ProcessLookupError):
            os.kill(read_log(log)[0]["pid"], 0)
        process.end()

    def test_next_job_of_the_thread_gets_another_child(self, start, tmp_path):
        log = str(tmp_path / "log")
        enqueue("PROCESS_TIMEOUT", None, {"log": log}, max_attempts=1, priority=1)
        enqueue("PROCESS_NOTE", None, {"log": log})

        start(drain=True, concurrency=1).join()

        assert statuses() == {"FAILED": 1, "COMPLETED": 1}
        kind = OutboxAttempt.objects.get().error_type
        assert kind == "django_outbox.exceptions.HandlerTimeoutError"
