"""Handlers that do what no handler should: the worker and the other jobs bear it."""

import functools
import time
from typing import Any

import pytest
from django.db import connection

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxJob
from django_outbox.services.registry import Registration
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def lose_the_lease(job: OutboxJob) -> None:
    OutboxJob.objects.filter(pk=job.pk).update(
        worker="another", claim_no=job.claim_no + 1, attempts=job.attempts + 1
    )


def test_handler_that_deletes_its_job_does_not_stop_the_worker(start, handle):
    """Django takes the primary key from an object that it deleted."""
    handle("DELETE", lambda job: job.delete())
    enqueue("DELETE", priority=1)
    enqueue("TEST_JOB")

    report = start(drain=True).join()

    assert (report.settled.completed, report.settled.lost) == (1, 1)
    assert statuses() == {"COMPLETED": 1}


def test_handler_that_copies_its_job_ends_the_first_one(start, handle):
    def copy(job):
        job.pk, job.status, job.job_type = None, "PENDING", "TEST_JOB"
        job.save()

    handle("COPY", copy)
    enqueue("COPY")

    start(drain=True).join()

    assert statuses() == {"COMPLETED": 2}


def test_handler_that_reads_its_job_anew_cannot_report_for_the_next_holder(handle):
    def look(job):
        lose_the_lease(job)
        job.refresh_from_db()

    handle("LOOK", look)
    enqueue("LOOK")

    run_once()

    job = OutboxJob.objects.get()
    assert (job.status, job.worker) == ("IN_PROGRESS", "another")


def _generator(job):
    yield


async def _async_generator(job):
    yield


@pytest.mark.parametrize("function", [_generator, _async_generator, functools.partial(_generator)])
def test_function_whose_call_would_do_nothing_is_refused_as_handler(function):
    """A generator that nobody runs would count as a job well done."""
    with pytest.raises(TypeError, match=r"'X'.*does nothing when it is called"):
        Registration("X", function)


def test_handler_that_returns_a_coroutine_has_failed(handle):
    """A decorator that knows nothing of async hides it; nobody would await the coroutine."""

    async def work():
        raise AssertionError("never awaited")

    handle("HIDDEN", lambda job: work())
    enqueue("HIDDEN", max_attempts=1)

    run_once()

    assert "Make the handler async" in OutboxJob.objects.get(status="FAILED").last_error


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def _cyclic():
    error, cause = ValueError("one"), ValueError("two")
    error.__cause__, cause.__cause__ = cause, error
    return error


_ODD_SYNTAX: tuple[Any, ...] = ("odd", ("file", 1, "not a number", "text"))


def _nested_groups():
    error = ExceptionGroup("innermost", [ValueError("bottom")])
    for _ in range(3000):
        error = ExceptionGroup("g", [error])
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UnspeakableError(), "UnspeakableError"),
        (_cyclic(), "ValueError: one"),
        # Python's own formatting fails on this one.
        (SyntaxError(*_ODD_SYNTAX), "SyntaxError"),
        (_nested_groups(), "ExceptionGroup"),
    ],
    ids=["str", "cycle", "syntax", "groups"],
)
def test_error_that_can_hardly_be_shown_is_an_attempt_that_failed(start, handle, error, words):
    def fail(job):
        raise error

    handle("ODD", fail)
    enqueue("ODD", max_attempts=1, priority=1)
    enqueue("TEST_JOB")

    running = start(drain=True)
    running.join()

    assert running.error is None
    assert statuses() == {"FAILED": 1, "COMPLETED": 1}
    assert words in OutboxJob.objects.get(status="FAILED").last_error


def test_child_of_a_handler_that_forks_runs_no_jobs(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("FORK", None, {"log": str(log)}, priority=1)
    for _ in range(5):
        enqueue("NOTE", None, {"log": str(log)})

    worker = spawn("worker_run", "--drain")
    output, _ = worker.communicate(timeout=120)

    assert worker.returncode == 0, output
    wait_for(lambda: len(read_log(log)) >= 7)
    time.sleep(0.5)
    rows = read_log(log)
    assert {row["pid"] for row in rows if row["word"] == "done"} == {worker.pid}
    assert statuses() == {"COMPLETED": 6}


def test_statements_are_not_piled_up_in_debug_mode(start, handle, settings):
    settings.DEBUG = True
    piles = []

    def ask(job):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        piles.append(len(connection.queries_log))

    handle("ASK", ask)
    for _ in range(20):
        enqueue("ASK")

    start(drain=True).join()

    assert max(piles) < 10
