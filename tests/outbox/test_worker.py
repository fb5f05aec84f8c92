"""The worker loop, in a thread of the test."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from django_outbox.dispatcher import enqueue
from django_outbox.exceptions import SetupError
from django_outbox.management.commands.worker_run import Command
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Result
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.ledger import Ledger
from django_outbox.services.setup import worker_options
from django_outbox.services.worker import Worker
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_drain_does_all_that_is_due_and_ends(start):
    for _ in range(120):
        enqueue("TEST_JOB")
    enqueue("TEST_JOB", run_after=timedelta(hours=1))

    report = start(drain=True).join()

    assert report.settled.completed == 120
    assert statuses() == {"COMPLETED": 120, "PENDING": 1}


def test_quick_jobs_are_settled_in_batches():
    """One statement per job would make the database do twenty times the work."""
    for _ in range(200):
        enqueue("TEST_JOB")
    batches = []

    Worker(worker_options(drain=True), on_settled=batches.append).run()

    assert sum(settled.completed for settled in batches) == 200
    assert len(batches) < 50


def test_jobs_that_come_later_are_done_too(start):
    start()
    time.sleep(0.2)

    enqueue("TEST_JOB")

    wait_for(lambda: statuses() == {"COMPLETED": 1})


def test_failing_jobs_do_not_stop_the_others(start):
    for job_type in ("FAIL", "EXIT", "NOBODY", "LEAVE_TRANSACTION_OPEN"):
        enqueue(job_type, max_attempts=1)
    for _ in range(5):
        enqueue("TEST_JOB", priority=-1)

    report = start(drain=True).join()

    assert (report.settled.completed, report.settled.failed) == (6, 3)


def test_stop_lets_the_running_job_finish_and_returns_the_others(start, tmp_path):
    log = tmp_path / "log"
    # Quick jobs first, so that the worker takes whole batches.
    for _ in range(60):
        enqueue("TEST_JOB", priority=2)
    for seconds in (0.6, 0.6, 0.6):
        enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": seconds}, priority=1)
    running = start()
    wait_for(lambda: read_log(log))

    running.stop()

    words = [row["word"] for row in read_log(log)]
    assert words == ["began", "done"]
    slow = OutboxJob.objects.filter(job_type="SLOW_NOTE")
    assert sorted(slow.values_list("status", "attempts")) == [
        ("COMPLETED", 1),
        ("PENDING", 0),
        ("PENDING", 0),
    ]


def test_grace_that_is_over_returns_the_running_job_with_its_attempt_counted(start, tmp_path):
    enqueue("SLOW_NOTE", None, {"log": str(tmp_path / "log"), "seconds": 3})
    running = start(grace_seconds=0.1)
    wait_for(lambda: read_log(tmp_path / "log"))

    report = running.stop()

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts, report.returned) == ("PENDING", 1, 1)
    assert "grace period" in job.last_error


def test_stop_now_does_not_wait(start, tmp_path):
    enqueue("SLOW_NOTE", None, {"log": str(tmp_path / "log"), "seconds": 3})
    running = start(grace_seconds=60)
    wait_for(lambda: read_log(tmp_path / "log"))
    began = time.monotonic()

    running.worker.stop_now()
    running.join()

    assert time.monotonic() - began < 2.5
    assert OutboxJob.objects.get().status == "PENDING"


def test_handlers_run_side_by_side(start, tmp_path):
    log = tmp_path / "log"
    for _ in range(4):
        enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 0.5})

    start(drain=True, concurrency=4).join()

    assert [row["word"] for row in read_log(log)] == ["began"] * 4 + ["done"] * 4


def test_long_job_leaves_the_next_ones_to_other_workers(start, tmp_path):
    """A worker that held fifty slow jobs would keep idle ones from helping."""
    log = tmp_path / "log"
    for _ in range(6):
        enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 0.4})

    for running in [start(drain=True) for _ in range(2)]:
        running.join()

    assert statuses() == {"COMPLETED": 6}
    workers = set(OutboxJob.objects.values_list("worker", flat=True))
    assert len(workers) == 2


def test_lease_of_a_long_job_is_extended_while_it_runs(start, tmp_path, settings):
    settings.OUTBOX = {"LEASE_SECONDS": 1, "HEARTBEAT_SECONDS": 0.2}
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 2.5})

    workers = [start(), start()]
    wait_for(lambda: statuses() == {"COMPLETED": 1})

    assert [row["word"] for row in read_log(log)] == ["began", "done"]
    assert [running.stop().settled.lost for running in workers] == [0, 0]


def test_expired_job_is_taken_over_by_a_running_worker(start):
    enqueue("TEST_JOB")
    OutboxJob.objects.update(
        status="IN_PROGRESS", worker="dead", attempts=1, lease_until=timezone.now()
    )

    start()

    wait_for(lambda: statuses() == {"COMPLETED": 1})
    assert OutboxJob.objects.get().attempts == 2


def test_worker_whose_lease_ran_out_does_not_take_its_own_job_away(start, tmp_path):
    """After a suspended night the worker that runs the job is still the one to finish it."""
    log = tmp_path / "log"
    enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 2})
    start(concurrency=2)
    wait_for(lambda: read_log(log))

    OutboxJob.objects.update(lease_until=timezone.now() - timedelta(hours=8))

    wait_for(lambda: statuses() == {"COMPLETED": 1})
    assert [row["word"] for row in read_log(log)] == ["began", "done"]


def test_stop_now_does_not_wait_for_each_thread_in_turn(start, tmp_path):
    log = tmp_path / "log"
    for _ in range(8):
        enqueue("SLOW_NOTE", None, {"log": str(log), "seconds": 5})
    running = start(concurrency=8)
    wait_for(lambda: len(read_log(log)) == 8)
    began = time.monotonic()

    running.worker.stop_now()
    running.join()

    assert time.monotonic() - began < 2.5


def test_worker_says_which_queues_have_jobs_and_no_worker(settings, caplog):
    settings.OUTBOX = {"QUEUES": {"mail": {}, "reports": {}}}
    enqueue("TEST_JOB", queue="mail")
    enqueue("TEST_JOB", queue="reports")
    settings.OUTBOX = {"QUEUES": {"reports": {}}}

    Worker(worker_options(drain=True)).run()

    assert "queue=mail has pending jobs" in caplog.text
    assert "queue=reports" not in caplog.text


def test_transaction_that_stays_open_on_a_key_does_not_hold_up_other_jobs(start, handle):
    """The retry of the key's job has to wait for it, since they cannot both be pending."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer: whatever is open holds up everything")
    running, enqueued = threading.Event(), threading.Event()

    def fail_late(job):
        running.set()
        enqueued.wait(20)
        raise ValueError

    handle("FAIL_LATE", fail_late)
    older = enqueue("FAIL_LATE", "k", priority=1)
    for _ in range(3):
        enqueue("TEST_JOB")
    start()
    assert running.wait(20)

    with transaction.atomic():
        newer = enqueue("FAIL_LATE", "k", run_after=timedelta(hours=1))
        enqueued.set()
        wait_for(lambda: statuses().get("COMPLETED") == 3, seconds=10)

    wait_for(lambda: statuses() == {"COMPLETED": 3, "CANCELLED": 1, "PENDING": 1})
    older.refresh_from_db()
    newer.refresh_from_db()
    assert (older.last_error, newer.status) == ("superseded", "PENDING")


def test_missing_table_is_said_in_a_sentence(start):
    # Out of the way and back: made anew it would lack what its migrations did to it.
    with connection.schema_editor() as editor:
        editor.alter_db_table(OutboxJob, "outbox_job", "outbox_job_away")
    try:
        running = start()
        running.join()
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(OutboxJob, "outbox_job_away", "outbox_job")

    assert isinstance(running.error, SetupError)
    assert "'outbox_job' is missing in database 'default': run 'manage.py migrate'" in str(
        running.error
    )


def test_command_can_be_handled_off_the_main_thread():
    enqueue("TEST_JOB")
    command = Command()
    thread = threading.Thread(
        target=lambda: (command.handle(poll_seconds=2, max_jobs=10), connections.close_all())
    )
    thread.start()
    wait_for(lambda: statuses() == {"COMPLETED": 1})

    command.worker.stop()

    thread.join(10)
    assert not thread.is_alive()


def test_results_wait_for_others_while_they_are_few_and_new():
    heartbeat = Heartbeat("w", lease_seconds=60, every_seconds=15, using="default")
    ledger = Ledger("w", heartbeat=heartbeat, using="default")
    ledger.note(Result(OutboxJob(pk=n), 0.0) for n in range(3))

    assert ledger.has_few_results(4, seconds=60)
    assert not ledger.has_few_results(3, seconds=60)
    assert not ledger.has_few_results(4, seconds=0)
