"""Stopping at awkward moments: nothing that finished is forgotten, and nothing hangs."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def locked_table() -> Iterator[None]:
    """Make every other connection wait, as a migration or a backup may."""
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            cursor.execute("LOCK TABLES outbox_job WRITE")
            try:
                yield
            finally:
                cursor.execute("UNLOCK TABLES")
        elif connection.vendor == "postgresql":
            with transaction.atomic():
                cursor.execute("LOCK TABLE outbox_job IN ACCESS EXCLUSIVE MODE")
                yield
        else:
            cursor.execute("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                cursor.execute("COMMIT")


def test_worker_whose_statement_waits_for_a_lock_stops_at_the_second_signal(spawn):
    worker = spawn("worker_run", "--poll-seconds", "0.1", "--grace", "600")
    enqueue("TEST_JOB")
    wait_for(lambda: statuses() == {"COMPLETED": 1})
    for _ in range(3):
        enqueue("TEST_JOB")
    with locked_table():
        time.sleep(1)

        worker.terminate()
        time.sleep(0.3)
        worker.terminate()
        output, _ = worker.communicate(timeout=120)

    assert worker.returncode == 0, output
    assert "did not stop" in output


def test_worker_whose_statement_waits_for_a_lock_stops_when_the_grace_period_is_over(spawn):
    worker = spawn("worker_run", "--poll-seconds", "0.1", "--grace", "1")
    enqueue("TEST_JOB")
    wait_for(lambda: statuses() == {"COMPLETED": 1})
    with locked_table():
        time.sleep(1)

        worker.terminate()
        output, _ = worker.communicate(timeout=120)

    assert worker.returncode == 0, output


def test_second_signal_does_not_wait_for_threads_of_a_handler(spawn, tmp_path):
    """At its exit Python waits for every thread of a ThreadPoolExecutor."""
    log = tmp_path / "log"
    enqueue("POOL", None, {"log": str(log), "seconds": 600})
    worker = spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(lambda: read_log(log))

    worker.terminate()
    time.sleep(0.3)
    worker.terminate()
    output, _ = worker.communicate(timeout=120)

    assert worker.returncode == 0, output
    assert "Worker stopped: 1 returned." in output
    assert statuses() == {"PENDING": 1}


def test_job_that_finished_before_the_worker_could_stop_is_not_returned(start, tmp_path):
    """Its result lies in the worker's queue while the worker is busy with another one."""
    log = tmp_path / "log"
    busy, go_on = threading.Event(), threading.Event()

    def block(settled):
        busy.set()
        go_on.wait(20)

    enqueue("TEST_JOB", priority=1)
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 0.3})
    running = start(concurrency=2, on_settled=block)
    assert busy.wait(20)

    running.worker.stop_now()
    wait_for(lambda: len(read_log(log)) == 2)
    time.sleep(0.1)
    go_on.set()
    running.join()

    assert statuses() == {"COMPLETED": 2}


def test_reader_that_leaves_costs_no_result(start, tmp_path):
    """A closed pipe on stdout ends the worker, and what finished is written down all the same."""
    log = tmp_path / "log"

    def fail(settled):
        raise BrokenPipeError

    for seconds in (0.3, 0.6, 0.9):
        enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": seconds})
    enqueue("FAIL", priority=1)
    running = start(concurrency=4, on_settled=fail)
    running.join()

    assert isinstance(running.error, BrokenPipeError)
    assert statuses() == {"PENDING": 1, "COMPLETED": 3}


@pytest.mark.parametrize("option", ["--poll-seconds", "--grace"])
def test_endless_wait_is_a_wait_that_a_signal_ends(spawn, tmp_path, option):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 1})
    worker = spawn("worker_run", option, "inf")
    wait_for(lambda: read_log(log))

    worker.terminate()
    output, _ = worker.communicate(timeout=120)

    assert worker.returncode == 0, output
    assert "Worker stopped: 1 completed." in output


def test_stop_before_the_start_takes_no_job(start):
    from django_outbox.services.setup import worker_options
    from django_outbox.services.worker import Worker

    enqueue("TEST_JOB")
    worker = Worker(worker_options())
    worker.stop()

    report = worker.run()

    assert (report.settled.total, report.returned) == (0, 0)
    assert OutboxJob.objects.get().attempts == 0
