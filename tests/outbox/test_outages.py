"""The database server goes away and comes back, under real workers; each test owns its server."""

import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connections
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxAttempt, OutboxJob, OutboxWorker
from tests import processes
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import wait_for
from tests.private_servers import (
    PrivateMariaDB,
    PrivatePostgreSQL,
    PrivateServer,
    django_database,
)
from tests.processes import read_until

ALIAS = "private"
SHORT_LEASE = {"OPSKIT_OUTBOX": '{"LEASE_SECONDS": 2, "HEARTBEAT_SECONDS": 0.5}'}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(PrivatePostgreSQL, marks=pytest.mark.postgresql),
        pytest.param(PrivateMariaDB, marks=pytest.mark.mariadb),
    ],
    ids=lambda kind: kind.name,
)
def private_server(request: pytest.FixtureRequest) -> Iterator[PrivateServer]:
    request.param.require()
    server = request.param()
    yield server
    server.end()


TABLES = (OutboxJob, OutboxAttempt, OutboxWorker)


@pytest.fixture
def server(
    private_server: PrivateServer, django_db_blocker: DjangoDbBlocker
) -> Iterator[PrivateServer]:
    """A server that runs, and holds the tables without a row."""
    private_server.start()
    with django_db_blocker.unblock(), django_database(private_server, ALIAS):
        with connections[ALIAS].schema_editor() as editor:
            for model in TABLES:
                editor.create_model(model)
        yield private_server
        if not private_server.is_running:
            private_server.start()
        with connections[ALIAS].schema_editor() as editor:
            for model in TABLES:
                editor.delete_model(model)
    private_server.stop()


@pytest.fixture
def spawn(server: PrivateServer) -> Iterator[Callable[..., object]]:
    started = processes.Processes({**processes.environment(), **server.environment()})
    yield started.spawn
    started.end()


def jobs():
    return OutboxJob.objects.using(ALIAS)


def all_completed() -> bool:
    return not jobs().exclude(status="COMPLETED").exists()


def crash(server: PrivateServer) -> None:
    # A claim does not wait for the disk. This commit does, and what came before goes with it.
    OutboxWorker.objects.using(ALIAS).create(name=uuid4().hex, host="h", pid=1)
    connections[ALIAS].close()
    server.stop()


def restart(server: PrivateServer) -> None:
    crash(server)
    server.start()


def test_worker_goes_on_after_a_crash_and_reports_what_it_finished_meanwhile(
    server, spawn, tmp_path
):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 1.5}, priority=1, using=ALIAS)
    worker = spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(lambda: read_log(log))
    # A claim does not wait for the disk. These commits do, and what came before goes with them.
    for _ in range(3):
        enqueue("NOTE", None, {"log": str(log)}, using=ALIAS)

    crash(server)
    wait_for(lambda: len(read_log(log)) == 2)
    time.sleep(0.5)
    server.start()
    wait_for(all_completed)

    words = [row["word"] for row in read_log(log)]
    assert words == ["began"] + ["done"] * 4
    assert set(jobs().values_list("attempts", flat=True)) == {1}
    assert worker.poll() is None


def test_worker_that_is_started_before_the_server_waits_for_it(server, spawn):
    enqueue("TEST_JOB", using=ALIAS)
    crash(server)
    worker = spawn("worker_run", "--poll-seconds", "0.1")
    read_until(worker, "outage=2")

    server.start()

    wait_for(all_completed)


def test_worker_that_is_stopped_during_the_outage_exits_soon_and_loses_nothing(
    server, spawn, tmp_path
):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 1}, priority=1, using=ALIAS)
    enqueue("NOTE", None, {"log": str(log)}, using=ALIAS)
    worker = spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(lambda: read_log(log))
    crash(server)
    wait_for(lambda: len(read_log(log)) == 2)
    began = time.monotonic()

    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=120)

    assert time.monotonic() - began < 8
    assert worker.returncode == 0, output
    server.start()
    jobs().filter(status="IN_PROGRESS").update(lease_until=timezone.now() - timedelta(minutes=5))
    spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(all_completed)


def test_idle_handler_does_not_pay_for_a_crash_with_an_attempt(server, spawn):
    """Its connection died in silence while it waited for work."""
    enqueue("ASK_DATABASE", using=ALIAS)
    spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(all_completed)
    restart(server)

    job = enqueue("ASK_DATABASE", max_attempts=1, using=ALIAS)

    wait_for(lambda: jobs().filter(pk=job.pk, finished_at__isnull=False).exists())
    job.refresh_from_db()
    assert (job.status, job.last_error) == ("COMPLETED", "")


def test_outage_longer_than_the_lease_does_not_make_a_lone_worker_run_the_job_twice(
    server, spawn, tmp_path
):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 6}, using=ALIAS)
    spawn("worker_run", "--poll-seconds", "0.1", "--concurrency", "2", env=SHORT_LEASE)
    wait_for(lambda: read_log(log))

    crash(server)
    time.sleep(3)
    server.start()
    wait_for(all_completed)

    assert [row["word"] for row in read_log(log)] == ["began", "done"]


def test_commit_whose_answer_was_lost_is_not_taken_for_a_failure(server, spawn, tmp_path):
    """The job is COMPLETED, and the worker hears of a broken connection: it has to ask again."""
    if server.name != "postgresql":
        pytest.skip("needs a commit that waits: synchronous replication, to nobody")

    def ask(statement):
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None

    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 1}, using=ALIAS)
    worker = spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(lambda: read_log(log))
    ask("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    ask("SELECT pg_reload_conf()")
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    wait_for(lambda: ask(waits))

    ask(f"SELECT pg_terminate_backend(pid) FROM ({waits}) waiting")
    ask("ALTER SYSTEM RESET synchronous_standby_names")
    ask("SELECT pg_reload_conf()")
    enqueue("NOTE", None, {"log": str(log)}, using=ALIAS)
    wait_for(all_completed)

    assert [row["word"] for row in read_log(log)] == ["began", "done", "done"]
    assert set(jobs().values_list("attempts", flat=True)) == {1}
    assert worker.poll() is None


@pytest.fixture
def narrow(server: PrivateServer) -> Iterator[str]:
    """A database whose characters are those of Latin 1, as old installations have."""
    created = {
        "postgresql": "CREATE DATABASE narrow TEMPLATE template0 ENCODING LATIN1 "
        "LC_COLLATE 'C' LC_CTYPE 'C'",
        "mariadb": "CREATE DATABASE narrow CHARACTER SET latin1",
    }
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(created[server.name])
    with django_database(server, "narrow", name="narrow"):
        with connections["narrow"].schema_editor() as editor:
            editor.create_model(OutboxJob)
            editor.create_model(OutboxAttempt)
        yield "narrow"
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("DROP DATABASE narrow")


def test_error_that_the_database_has_no_characters_for_is_kept_in_ascii(narrow, handle):
    """Else the report is refused each time, and the worker never gets to the next one."""

    def fail(job):
        raise ValueError("gęś 😀")

    handle("GOOSE", fail)
    retried = enqueue("GOOSE", "k", using=narrow)
    buried = enqueue("GOOSE", max_attempts=1, using=narrow)

    run_once(using=narrow)

    for job, status in ((retried, "PENDING"), (buried, "FAILED")):
        job.refresh_from_db()
        assert job.status == status
        assert r"ValueError: g\u0119\u015b \U0001f600" in job.last_error
