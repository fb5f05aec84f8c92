"""``@handler(atomic=True)``: what the handler writes and its completion are one."""

import logging

import pytest
from django.db import connection, transaction

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import Inbox, OutboxAttempt, OutboxJob
from tests.outbox.outbox_handlers import read_log
from tests.outbox.running import statuses, wait_for
from tests.outbox.test_rough_handlers import lose_the_lease

pytestmark = pytest.mark.django_db(transaction=True)


def write(job):
    Inbox.objects.create(message_id=f"job-{job.pk}")


def test_handler_and_completion_are_one_transaction(start, handle):
    seen = []

    def look(job):
        write(job)
        seen.append(connection.in_atomic_block)

    handle("ATOMIC", look, atomic=True)
    enqueue("ATOMIC")

    report = start(drain=True).join()

    assert seen == [True]
    assert report.settled.completed == 1
    assert statuses() == {"COMPLETED": 1}
    assert Inbox.objects.count() == 1


def test_failure_takes_back_what_was_written(start, handle):
    def fail(job):
        write(job)
        raise ValueError("no")

    handle("ATOMIC", fail, atomic=True)
    enqueue("ATOMIC", max_attempts=1)

    start(drain=True).join()

    assert statuses() == {"FAILED": 1}
    assert not Inbox.objects.exists()


def test_handler_that_lost_its_job_writes_nothing(handle):
    """Another worker took the job in the middle of the handler."""

    def lose(job):
        write(job)
        lose_the_lease(job)

    handle("ATOMIC", lose, atomic=True)
    enqueue("ATOMIC")

    run_once()

    assert not Inbox.objects.exists()
    # What the other worker did stood in the same transaction here.
    assert OutboxAttempt.objects.get().error_type == "django_outbox.exceptions.LeaseLost"


def test_handler_works_inside_the_transaction_of_a_test(handle):
    def fail(job):
        write(job)
        raise ValueError("no")

    handle("ATOMIC", write, atomic=True)
    handle("ATOMIC_FAIL", fail, atomic=True)

    with transaction.atomic():
        enqueue("ATOMIC_FAIL", max_attempts=1, priority=1)
        job = enqueue("ATOMIC")
        assert run_once() == 2

        assert statuses() == {"FAILED": 1, "COMPLETED": 1}
        assert Inbox.objects.get().message_id == f"job-{job.pk}"


def test_result_is_stored_with_it_and_a_bad_one_takes_all_back(start, handle):
    def bad(job):
        write(job)
        return object()

    handle("ATOMIC", lambda job: [1], atomic=True, keep_result=True)
    handle("BAD", bad, atomic=True, keep_result=True)
    job = enqueue("ATOMIC")
    enqueue("BAD", max_attempts=1)

    start(drain=True).join()

    job.refresh_from_db()
    assert job.result == [1]
    assert statuses() == {"COMPLETED": 1, "FAILED": 1}
    assert not Inbox.objects.exists()


def test_queue_that_deletes_what_is_done_deletes_it_in_the_same_transaction(
    start, handle, settings
):
    settings.OUTBOX = {"QUEUES": {"default": {"ON_SUCCESS": "delete"}}}
    handle("ATOMIC", write, atomic=True)
    enqueue("ATOMIC")

    report = start(drain=True).join()

    assert report.settled.completed == 1
    assert not OutboxJob.objects.exists()
    assert Inbox.objects.count() == 1


def test_handler_that_asks_for_a_rollback_has_failed(start, handle):
    def roll_back(job):
        write(job)
        transaction.set_rollback(True)

    handle("ATOMIC", roll_back, atomic=True)
    enqueue("ATOMIC", max_attempts=1)

    start(drain=True).join()

    assert statuses() == {"FAILED": 1}
    assert not Inbox.objects.exists()


def test_failure_of_a_callback_on_the_commit_does_not_undo_the_job(start, handle, caplog):
    def register(job):
        write(job)

        def fail():
            raise ValueError("too late")

        transaction.on_commit(fail)

    handle("ATOMIC", register, atomic=True)
    enqueue("ATOMIC")

    with caplog.at_level(logging.ERROR):
        report = start(drain=True).join()

    assert report.settled.completed == 1
    assert statuses() == {"COMPLETED": 1}
    assert "a callback on its commit failed" in caplog.text
    assert not OutboxAttempt.objects.exists()


def test_worker_that_is_killed_in_the_middle_has_written_nothing(spawn, start, tmp_path):
    log = tmp_path / "log"
    jobs = [
        enqueue("ATOMIC_NOTE", None, {"log": str(log), "seconds": 600}, max_attempts=2)
        for _ in range(3)
    ]
    worker = spawn("worker_run", "--concurrency", 1)
    wait_for(lambda: read_log(log))

    worker.kill()
    worker.wait(30)

    assert not Inbox.objects.exists()
    OutboxJob.objects.update(payload={"log": str(log), "seconds": 0}, lease_until=None)
    OutboxJob.objects.update(status="PENDING", worker="")
    start(drain=True).join()
    assert statuses() == {"COMPLETED": 3}
    assert {row.message_id for row in Inbox.objects.all()} == {f"job-{job.pk}" for job in jobs}


def test_many_workers_write_each_effect_once(start, handle):
    handle("ATOMIC", write, atomic=True)
    for _ in range(100):
        enqueue("ATOMIC")

    running = [start(drain=True, concurrency=2, max_jobs=5) for _ in range(3)]
    for one in running:
        one.join()

    assert statuses() == {"COMPLETED": 100}
    assert Inbox.objects.count() == 100
    assert sum(one.report.settled.completed for one in running) == 100
