"""Handlers in a process of their own: what they do to it never reaches the worker."""

import contextlib
import os
import signal

import pytest

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import Inbox, OutboxAttempt, OutboxJob
from tests import processes
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _children_see_the_test_database(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in processes.environment().items():
        monkeypatch.setenv(name, value)


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_process_is_another_one_and_is_used_again(start, tmp_path):
    log = tmp_path / "log"
    for _ in range(5):
        enqueue("PROCESS_NOTE", None, {"log": str(log)})

    start(drain=True, concurrency=1).join()

    assert statuses() == {"COMPLETED": 5}
    pids = {row["pid"] for row in read_log(log)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_process_ends_with_its_worker(start, tmp_path):
    log = tmp_path / "log"
    enqueue("PROCESS_NOTE", None, {"log": str(log)})

    start(drain=True).join()

    (row,) = read_log(log)
    wait_for(lambda: not is_alive(row["pid"]))


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"signal": signal.SIGKILL}, "was killed by SIGKILL before the handler returned"),
        ({"signal": signal.SIGSEGV}, "was killed by SIGSEGV before the handler returned"),
        ({"status": 3}, "ended with exit status 3 before the handler returned"),
        ({"status": 0}, "ended with exit status 0 before the handler returned"),
    ],
)
def test_process_that_dies_is_a_failed_attempt_and_the_worker_goes_on(
    start, tmp_path, payload, sentence
):
    log = tmp_path / "log"
    enqueue("PROCESS_DIE", None, payload, max_attempts=1, priority=1)
    enqueue("PROCESS_NOTE", None, {"log": str(log)})

    start(drain=True, concurrency=1).join()

    assert statuses() == {"FAILED": 1, "COMPLETED": 1}
    assert sentence in OutboxJob.objects.get(status="FAILED").last_error
    assert OutboxAttempt.objects.get().error_type == "django_outbox.exceptions.HandlerProcessError"


def test_handler_that_takes_too_long_is_killed(start, tmp_path):
    log = tmp_path / "log"
    enqueue("PROCESS_TIMEOUT", None, {"log": str(log)}, max_attempts=1)

    start(drain=True).join()

    job = OutboxJob.objects.get()
    assert job.status == "FAILED"
    assert "ran longer than its timeout_seconds (0.5) and was ended" in job.last_error
    assert not is_alive(read_log(log)[0]["pid"])


@pytest.mark.parametrize("error", ["ValueError", "SystemExit"])
def test_error_comes_back_with_its_class_and_its_traceback(start, error):
    enqueue("PROCESS_RAISE", None, {"error": error}, max_attempts=1)

    start(drain=True).join()

    attempt = OutboxAttempt.objects.get()
    assert attempt.error_type == f"builtins.{error}"
    assert "raise_elsewhere" in attempt.error


def test_handler_in_a_process_may_give_its_orders(start):
    never = enqueue("PROCESS_RAISE", None, {"error": "FailNow"})
    later = enqueue("PROCESS_RAISE", None, {"error": "Snooze"})

    start(drain=True).join()

    never.refresh_from_db()
    later.refresh_from_db()
    assert (never.status, never.attempts) == ("FAILED", 1)
    assert (later.status, later.attempts, later.last_error) == ("PENDING", 0, "")


def test_result_progress_and_context_work_in_a_process(start):
    job = enqueue("PROCESS_RESULT")
    enqueue("PROCESS_ASYNC")

    start(drain=True, concurrency=1).join()

    job.refresh_from_db()
    assert job.result["job"] == job.pk
    assert job.result["pid"] != os.getpid()
    assert job.progress == {"done": 1, "total": 2, "note": "halfway"}
    assert OutboxJob.objects.get(job_type="PROCESS_ASYNC").result == 2


def test_atomic_handler_that_is_killed_leaves_nothing(start):
    enqueue("PROCESS_ATOMIC", None, {"die": True}, max_attempts=1)
    once = enqueue("PROCESS_ATOMIC")

    report = start(drain=True, concurrency=1).join()

    assert [row.message_id for row in Inbox.objects.all()] == [f"job-{once.pk}"]
    assert statuses() == {"FAILED": 1, "COMPLETED": 1}
    assert (report.settled.completed, report.settled.failed) == (1, 1)


def test_process_whose_job_is_lost_is_killed(start, tmp_path):
    log = tmp_path / "log"
    job = enqueue("PROCESS_SLOW_NOTE", None, {"log": str(log), "seconds": 600})
    running = start(concurrency=1)
    wait_for(lambda: read_log(log))
    job.refresh_from_db()

    running.worker._threads.lose([(job.pk, job.claim_no)])

    wait_for(OutboxAttempt.objects.exists)
    assert OutboxAttempt.objects.get().error_type == "django_outbox.exceptions.LeaseLost"
    wait_for(lambda: not is_alive(read_log(log)[0]["pid"]))


def test_process_dies_when_its_worker_is_killed(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("PROCESS_SLOW_NOTE", None, {"log": str(log), "seconds": 600})
    worker = spawn("worker_run")
    wait_for(lambda: read_log(log))

    worker.kill()
    worker.wait(30)

    wait_for(lambda: not is_alive(read_log(log)[0]["pid"]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_to_the_whole_group_lets_the_process_finish_its_job(spawn, tmp_path, number):
    """Ctrl-C, and systemd at a stop, reach every process; the worker decides."""
    log = tmp_path / "log"
    enqueue("PROCESS_SLOW_NOTE", None, {"log": str(log), "seconds": 1})
    worker = spawn("worker_run")
    wait_for(lambda: read_log(log))

    os.killpg(worker.pid, number)

    assert worker.wait(30) == 0
    assert [row["word"] for row in read_log(log)] == ["began", "done"]
    assert statuses() == {"COMPLETED": 1}


def test_stop_that_does_not_wait_kills_the_process(start, tmp_path):
    log = tmp_path / "log"
    enqueue("PROCESS_SLOW_NOTE", None, {"log": str(log), "seconds": 600})
    running = start()
    wait_for(lambda: read_log(log))

    running.worker.stop_now()
    running.join()

    assert statuses() == {"PENDING": 1}
    wait_for(lambda: not is_alive(read_log(log)[0]["pid"]))


def test_single_pass_runs_the_handler_in_this_process(tmp_path):
    """Its promise is to do everything here, on this thread's connection."""
    log = tmp_path / "log"
    enqueue("PROCESS_NOTE", None, {"log": str(log)})

    run_once()

    assert read_log(log)[0]["pid"] == os.getpid()
