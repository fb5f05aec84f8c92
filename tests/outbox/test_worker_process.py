"""Real worker processes: started, signalled, killed."""

import json
import signal
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import wait_for
from tests.processes import read_until

pytestmark = pytest.mark.django_db(transaction=True)

SHORT_LEASE = {"OPSKIT_OUTBOX": '{"LEASE_SECONDS": 2, "HEARTBEAT_SECONDS": 0.5}'}


def all_completed() -> bool:
    return not OutboxJob.objects.exclude(status="COMPLETED").exists()


def test_drain_in_a_process_of_its_own(manage):
    for _ in range(20):
        enqueue("TEST_JOB")

    ended = manage("worker_run", "--drain")

    assert ended.returncode == 0, ended.stderr
    assert "Worker stopped: 20 completed." in ended.stdout
    assert all_completed()


def test_json_lines_are_all_that_stands_on_stdout(manage):
    enqueue("TEST_JOB")
    enqueue("FAIL", max_attempts=1)

    ended = manage("worker_run", "--drain", "--json")

    documents = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [documents[0]["event"], documents[-1]["event"]] == ["started", "stopped"]
    assert (documents[-1]["completed"], documents[-1]["failed"]) == (1, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_the_running_job_finish_and_exits_with_zero(spawn, tmp_path, number):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 1})
    worker = spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(lambda: read_log(log))

    worker.send_signal(number)
    output, _ = worker.communicate(timeout=120)

    assert worker.returncode == 0, output
    assert "Worker stopped: 1 completed." in output
    assert all_completed()


def test_idle_worker_stops_at_once(spawn):
    worker = spawn("worker_run", "--poll-seconds", "60")
    read_until(worker, "started")
    time.sleep(0.5)
    began = time.monotonic()

    worker.terminate()
    worker.communicate(timeout=120)

    assert worker.returncode == 0
    assert time.monotonic() - began < 10


def test_second_signal_does_not_wait_for_the_handler(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 60})
    worker = spawn("worker_run", "--poll-seconds", "0.1")
    wait_for(lambda: read_log(log))

    worker.terminate()
    time.sleep(0.3)
    worker.terminate()
    output, _ = worker.communicate(timeout=120)

    job = OutboxJob.objects.get()
    assert worker.returncode == 0, output
    assert (job.status, job.attempts) == ("PENDING", 1)


def test_job_of_a_killed_worker_is_done_by_the_next_one_when_its_lease_is_over(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", "k", {"log": str(log), "seconds": 3})
    first = spawn("worker_run", "--poll-seconds", "0.1", env=SHORT_LEASE)
    wait_for(lambda: read_log(log))

    first.kill()
    first.wait(10)
    held = OutboxJob.objects.get()
    spawn("worker_run", "--poll-seconds", "0.1", env=SHORT_LEASE)
    wait_for(all_completed)

    assert held.status == "IN_PROGRESS"
    assert [(row["word"], row["attempt"]) for row in read_log(log)] == [
        ("began", 1),
        ("began", 2),
        ("done", 2),
    ]


def test_payload_that_kills_its_worker_ends_failed_and_the_rest_is_done(spawn, tmp_path):
    log = tmp_path / "log"
    enqueue("KILL_WORKER", "k", {"log": str(log)}, max_attempts=2, priority=1)
    for _ in range(3):
        enqueue("TEST_JOB")

    for _ in range(3):
        worker = spawn("worker_run", "--poll-seconds", "0.1", "--drain", env=SHORT_LEASE)
        worker.wait(30)
        OutboxJob.objects.filter(status="IN_PROGRESS").update(lease_until=timezone.now())

    job = OutboxJob.objects.get(job_type="KILL_WORKER")
    assert (job.status, job.attempts) == ("FAILED", 2)
    assert len(read_log(log)) == 2
    assert OutboxJob.objects.filter(status="COMPLETED").count() == 3


def test_two_workers_share_the_jobs_and_do_each_once(spawn, tmp_path):
    log = tmp_path / "log"
    for _ in range(300):
        enqueue("NOTE", None, {"log": str(log)})

    workers = [spawn("worker_run", "--drain", "--max-jobs", "10") for _ in range(2)]
    for worker in workers:
        output, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0, output

    rows = read_log(log)
    assert sorted(row["job"] for row in rows) == sorted(
        OutboxJob.objects.values_list("pk", flat=True)
    )
    assert all_completed()


def test_workers_that_are_killed_again_and_again_lose_nothing(spawn, tmp_path):
    """Each job runs at least once, and again only where a worker was killed in the midst."""
    log = tmp_path / "log"
    for _ in range(40):
        enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 0.05})

    kills = 0
    while kills < 3:
        worker = spawn("worker_run", "--poll-seconds", "0.1", env=SHORT_LEASE)
        before = len(read_log(log))
        wait_for(lambda seen=before: len(read_log(log)) > seen + 5 or all_completed())
        worker.kill()
        worker.wait(10)
        kills += 1
    spawn("worker_run", "--poll-seconds", "0.1", env=SHORT_LEASE)
    wait_for(all_completed)

    done = [row["job"] for row in read_log(log) if row["word"] == "done"]
    assert set(done) == set(OutboxJob.objects.values_list("pk", flat=True))
    # A job may be done twice when its worker was killed between its end and its report.
    assert len(done) - len(set(done)) <= kills * 50


def test_job_enqueued_in_a_transaction_that_is_open_is_not_seen_yet(manage):
    from django.db import connection, transaction

    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer: the worker could only wait")
    with transaction.atomic():
        enqueue("TEST_JOB", run_after=timedelta(seconds=-5))
        inside = manage("worker_run", "--drain")
    after = manage("worker_run", "--drain")

    assert "nothing done" in inside.stdout
    assert "1 completed" in after.stdout


def test_missing_table_ends_the_worker_with_one_and_a_sentence(manage):
    from django.db import connection

    # Out of the way and back: made anew it would lack what its migrations did to it.
    with connection.schema_editor() as editor:
        editor.alter_db_table(OutboxJob, "outbox_job", "outbox_job_away")
    try:
        ended = manage("worker_run")
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(OutboxJob, "outbox_job_away", "outbox_job")

    assert ended.returncode == 1
    assert "run 'manage.py migrate' first" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--poll-seconds", "0"], "poll-seconds must be greater than 0, got 0.0"),
        (["--poll-seconds", "nan"], "poll-seconds must be greater than 0, got nan"),
        (["--max-jobs", "0"], "max-jobs must be 1 to 10000, got 0"),
        (["--max-jobs", "10001"], "max-jobs must be 1 to 10000, got 10001"),
        (["--concurrency", "0"], "concurrency must be 1 or more, got 0"),
        (["--grace", "-1"], "grace must be 0 seconds or more, got -1.0"),
        (["--queues", "mial"], "Queue 'mial' is not declared"),
        (["--max-jobs", "many"], "invalid int value: 'many'"),
    ],
)
def test_wrong_option_exits_with_two_and_a_sentence(manage, arguments, sentence):
    ended = manage("worker_run", *arguments)

    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr
