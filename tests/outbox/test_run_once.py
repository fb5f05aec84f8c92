"""One pass in this process."""

import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.exceptions import HandlerConflictError
from django_outbox.models import OutboxJob
from django_outbox.services.execution import error_text
from django_outbox.services.registry import HandlerRegistry, Registration, registry

pytestmark = pytest.mark.django_db


def test_published_snippet_ends_completed():
    enqueue("TEST_JOB", "test-key-1", {"data": "test"})

    count = run_once()

    job = OutboxJob.objects.get(dedup_key="test-key-1")
    assert (count, job.status, job.attempts) == (1, "COMPLETED", 1)
    assert job.started_at <= job.finished_at
    assert job.lease_until is None


def test_handler_gets_the_job_with_its_payload(handle):
    seen = []
    handle("SEEN", lambda job: seen.append((job.pk, job.payload, job.attempts, job.status)))
    job = enqueue("SEEN", None, {"a": [1, 2]})

    run_once()

    assert seen == [(job.pk, {"a": [1, 2]}, 1, "IN_PROGRESS")]


def test_order_is_priority_then_due_time_then_age(handle):
    seen = []
    handle("ORDER", lambda job: seen.append(job.payload))
    enqueue("ORDER", None, "first")
    enqueue("ORDER", None, "due earlier", run_after=timedelta(hours=-1))
    enqueue("ORDER", None, "urgent", priority=1)
    enqueue("ORDER", None, "whenever", priority=-1)
    enqueue("ORDER", None, "second")

    run_once()

    assert seen == ["urgent", "due earlier", "first", "second", "whenever"]


def test_job_that_is_not_due_waits():
    enqueue("TEST_JOB", "k", run_after=timedelta(minutes=1))

    assert run_once() == 0
    assert OutboxJob.objects.get().status == "PENDING"


def test_pass_takes_no_more_than_it_was_told():
    for _ in range(5):
        enqueue("TEST_JOB")

    assert [run_once(max_jobs=2), run_once(max_jobs=2), run_once(max_jobs=2)] == [2, 2, 1]


def test_max_jobs_below_one_is_refused():
    with pytest.raises(ValueError, match="max_jobs must be 1 or more, got 0"):
        run_once(max_jobs=0)


def test_failed_attempt_waits_for_the_next_one_with_its_error():
    enqueue("FAIL", "k")

    run_once()

    job = OutboxJob.objects.get()
    waits = job.run_after - job.started_at
    assert (job.status, job.attempts, job.worker, job.lease_until) == ("PENDING", 1, "", None)
    assert timedelta(seconds=1.9) < waits < timedelta(seconds=4)
    assert "ValueError: no luck \\x00 today" in job.last_error
    assert "outbox_handlers.py" in job.last_error


def test_last_attempt_makes_the_job_failed_and_keeps_the_error():
    enqueue("FAIL", "k", max_attempts=1)

    run_once()

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts) == ("FAILED", 1)
    assert "no luck" in job.last_error
    assert job.finished_at is not None


def test_success_after_a_failure_clears_the_error(handle):
    enqueue("FAIL", "k")
    run_once()
    handle("FAIL", lambda job: None)
    OutboxJob.objects.update(run_after="2020-01-01T00:00Z")

    run_once()

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts, job.last_error) == ("COMPLETED", 2, "")


def test_long_traceback_is_cut_to_its_end(handle):
    def complain(job):
        raise ValueError("x" * 20_000 + "the end")

    handle("COMPLAIN", complain)
    enqueue("COMPLAIN")

    run_once()

    error = OutboxJob.objects.get().last_error
    assert len(error) <= 8_001
    assert error.rstrip().endswith("the end")


def test_unknown_job_type_fails_with_a_sentence_and_is_not_tried_for_ever():
    enqueue("NOBODY", "k", max_attempts=1)

    run_once()

    job = OutboxJob.objects.get()
    assert job.status == "FAILED"
    assert "No handler is registered for job type 'NOBODY'" in job.last_error
    assert "outbox_handlers.py" in job.last_error


def test_counter_of_attempts_does_not_overflow():
    """A job on its last attempt goes back each time that its worker is stopped too early."""
    enqueue("TEST_JOB", max_attempts=32_767)
    OutboxJob.objects.update(attempts=32_767)

    run_once()

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts) == ("COMPLETED", 32_767)


def test_handler_that_exits_is_only_a_failed_attempt():
    enqueue("EXIT")
    enqueue("TEST_JOB")

    assert run_once() == 2
    assert set(OutboxJob.objects.values_list("job_type", "status")) == {
        ("EXIT", "PENDING"),
        ("TEST_JOB", "COMPLETED"),
    }


def test_ctrl_c_in_a_handler_settles_it_and_returns_the_rest_untouched(handle):
    def interrupt(job):
        raise KeyboardInterrupt

    handle("INTERRUPT", interrupt)
    enqueue("INTERRUPT", priority=1)
    enqueue("TEST_JOB")

    with pytest.raises(KeyboardInterrupt):
        run_once()

    assert set(OutboxJob.objects.values_list("job_type", "status", "attempts")) == {
        ("INTERRUPT", "PENDING", 1),
        ("TEST_JOB", "PENDING", 0),
    }


def test_database_error_in_a_handler_does_not_spoil_the_transaction_around_the_pass(handle):
    """Under TestCase everything is one transaction, and PostgreSQL refuses to go on after an
    error unless there is a savepoint."""
    User.objects.create(username="taken")
    handle("DUPLICATE", lambda job: User.objects.create(username="taken"))
    enqueue("DUPLICATE", max_attempts=1)

    run_once()

    assert OutboxJob.objects.get().status == "FAILED"
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_pass_inside_a_transaction_is_not_held_up_by_its_own_heartbeat(handle, settings):
    """Nobody else sees the claim: an extension from another connection would wait for it."""
    settings.OUTBOX = {"LEASE_SECONDS": 1, "HEARTBEAT_SECONDS": 0.1}
    handle("SLOW", lambda job: time.sleep(0.5))
    enqueue("SLOW")
    began = time.monotonic()

    with transaction.atomic():
        run_once()

    assert time.monotonic() - began < 3
    assert OutboxJob.objects.get().status == "COMPLETED"


def test_handlers_may_enqueue_and_the_next_pass_runs_it(handle):
    handle("PARENT", lambda job: enqueue("TEST_JOB", "child"))
    enqueue("PARENT")

    assert [run_once(), run_once(), run_once()] == [1, 1, 0]


def test_row_of_a_finished_job_is_deleted_where_the_queue_says_so(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {"ON_SUCCESS": "delete"}}}
    enqueue("TEST_JOB", queue="mail")
    enqueue("TEST_JOB", queue="default")
    enqueue("FAIL", queue="mail", max_attempts=1)

    run_once()

    assert set(OutboxJob.objects.values_list("queue", "status")) == {
        ("default", "COMPLETED"),
        ("mail", "FAILED"),
    }


def test_pass_may_be_limited_to_some_queues(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {}, "reports": {}}}
    for queue in ("default", "mail", "reports"):
        enqueue("TEST_JOB", queue=queue)

    assert run_once(queues=["mail", "reports"]) == 2
    assert OutboxJob.objects.pending().get().queue == "default"


def test_full_queue_does_not_starve_the_next_one(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {}}}
    from django_outbox.services.claiming import QueueRota

    for _ in range(6):
        enqueue("TEST_JOB")
    enqueue("TEST_JOB", queue="mail")
    rota = QueueRota(["default", "mail"], worker="w", lease_seconds=60, using="default")

    queues = [job.queue for _ in range(2) for job in rota.claim(2)]

    assert "mail" in queues


def test_number_of_statements_does_not_grow_with_the_jobs_that_are_claimed(
    django_assert_max_num_queries,
):
    from django_outbox.services.claiming import QueueRota

    for _ in range(30):
        enqueue("TEST_JOB")
    rota = QueueRota(["default"], worker="w", lease_seconds=60, using="default")

    # MariaDB: a look, a savepoint and its end, locking, taking, reading.
    with django_assert_max_num_queries(6):
        assert len(rota.claim(30)) == 30


class TestRegistry:
    def test_two_functions_for_one_job_type_are_refused(self):
        handlers = HandlerRegistry()
        handlers.register(Registration("X", run_once))

        with pytest.raises(HandlerConflictError, match=r"'X' has two .*run_once.*enqueue"):
            handlers.register(Registration("X", enqueue))

    def test_same_function_twice_is_fine(self):
        handlers = HandlerRegistry()
        handlers.register(Registration("X", run_once))
        handlers.register(Registration("X", run_once))

        assert handlers.get("X").function is run_once

    def test_handlers_of_installed_apps_are_found(self):
        assert {"TEST_JOB", "FAIL", "SLOW_NOTE"} <= set(HandlerRegistry.job_types(registry))


def test_error_text_can_be_stored_whatever_the_message_holds():
    text = error_text(ValueError("half a character: \ud800, and \x00"))

    text.encode()
    assert "half a character: \\ud800, and \\x00" in text
