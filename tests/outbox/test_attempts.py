"""Every attempt that did not succeed is kept, and handlers may say what comes next."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.handlers import FailNow, Snooze
from django_outbox.models import OutboxAttempt, OutboxJob
from django_outbox.services.execution import Result
from django_outbox.services.registry import HandlerRegistry, Registration
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back, settle
from tests.outbox.running import statuses
from tests.outbox.test_dedup import claim
from tests.outbox.test_rough_handlers import lose_the_lease

pytestmark = pytest.mark.django_db(transaction=True)


def rows() -> list[tuple[int, str]]:
    attempts = OutboxAttempt.objects.order_by("job_id", "claim_no")
    return [(one.attempt, one.error_type.rpartition(".")[2]) for one in attempts]


def due_again() -> None:
    OutboxJob.objects.pending().back_to_pending()


def test_each_failed_attempt_leaves_a_row_and_success_none(handle):
    errors = [ValueError("first"), KeyError("second")]

    def fail_twice(job):
        if errors:
            raise errors.pop(0)

    handle("TWICE", fail_twice)
    job = enqueue("TWICE")

    for _ in range(3):
        run_once()
        due_again()

    assert rows() == [(1, "ValueError"), (2, "KeyError")]
    first = OutboxAttempt.objects.earliest("pk")
    assert (first.job_id, first.claim_no) == (job.pk, 1)
    assert first.error_type == "builtins.ValueError"
    assert "fail_twice" in first.error
    assert first.worker
    assert first.started_at <= first.ended_at


def test_class_of_the_site_is_named_by_its_path(handle):
    def fail(job):
        raise OutboxJob.DoesNotExist

    handle("FAIL_SITE", fail)
    enqueue("FAIL_SITE")

    run_once()

    assert OutboxAttempt.objects.get().error_type == "django_outbox.models.OutboxJob.DoesNotExist"


@pytest.mark.parametrize(
    ("attempts", "status"), [(3, "PENDING"), (1, "FAILED")], ids=["retried", "buried"]
)
def test_rescue_keeps_the_attempt_of_the_dead_worker(attempts, status):
    enqueue("TEST_JOB", max_attempts=attempts)
    (job,) = claim()
    OutboxJob.objects.update(lease_until="2000-01-01T00:00:00Z")

    rescue_expired(using="default")

    assert statuses() == {status: 1}
    assert rows() == [(1, "LeaseLost")]
    assert job.worker in OutboxAttempt.objects.get().error


def test_late_report_adds_no_second_row():
    enqueue("TEST_JOB")
    (job,) = claim()
    OutboxJob.objects.update(lease_until="2000-01-01T00:00:00Z")
    rescue_expired(using="default")

    settled = settle([Result(job, 1.0, ValueError())], using="default")

    assert settled.lost == 1
    assert rows() == [(1, "LeaseLost")]


def test_attempt_that_was_interrupted_is_kept_and_one_never_begun_is_not():
    enqueue("TEST_JOB")
    enqueue("TEST_JOB")
    begun, waiting = claim()

    give_back([begun], using="default", reason="stopped")
    give_back([waiting], using="default")

    assert rows() == [(1, "WorkerStoppedError")]
    assert OutboxAttempt.objects.get().job_id == begun.pk


def test_retry_that_gives_way_to_a_twin_keeps_its_attempt():
    enqueue("TEST_JOB", "key")
    (job,) = claim()
    enqueue("TEST_JOB", "key")

    settle([Result(job, 1.0, ValueError())], using="default")

    assert statuses() == {"CANCELLED": 1, "PENDING": 1}
    assert rows() == [(1, "ValueError")]


def test_many_failures_take_few_statements():
    for number in range(20):
        enqueue("TEST_JOB", max_attempts=1 + number % 2)
    jobs = claim()

    with CaptureQueriesContext(
        connection,
    ) as captured:
        settled = settle(
            [Result(job, 1.0, ValueError(f"no {job.pk}")) for job in jobs], using="default"
        )

    changes = [query for query in captured if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert len(changes) == 3
    assert (settled.failed, settled.retried) == (10, 10)
    assert len(rows()) == 20
    for job in OutboxJob.objects.all():
        assert f"ValueError: no {job.pk}" in job.last_error
        assert job.lease_until is None


def test_failures_together_wait_each_for_its_own_time():
    for _ in range(5):
        enqueue("TEST_JOB")
    jobs = claim()

    settle([Result(job, 1.0, ValueError()) for job in jobs], using="default")

    waits = [(job.run_after - job.started_at).total_seconds() for job in OutboxJob.objects.all()]
    assert all(wait >= 2 for wait in waits)
    assert len(set(waits)) > 1


def test_one_lost_job_among_many_failures_costs_the_others_nothing():
    for _ in range(5):
        enqueue("TEST_JOB")
    jobs = claim()
    lose_the_lease(jobs[2])

    settled = settle([Result(job, 1.0, ValueError()) for job in jobs], using="default")

    assert (settled.retried, settled.lost) == (4, 1)
    assert statuses() == {"PENDING": 4, "IN_PROGRESS": 1}
    assert len(rows()) == 4


def test_failures_together_work_inside_a_transaction_of_a_test(handle):
    with transaction.atomic():
        for _ in range(3):
            enqueue("TEST_JOB")
        jobs = claim()
        lose_the_lease(jobs[0])

        settled = settle([Result(job, 1.0, ValueError("é")) for job in jobs], using="default")

        assert (settled.retried, settled.lost) == (2, 1)


def test_fail_now_ends_the_job_whatever_attempts_are_left(handle):
    def give_up(job):
        raise FailNow("the address does not exist")

    handle("GIVE_UP", give_up)
    enqueue("GIVE_UP", "key")

    run_once()

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts) == ("FAILED", 1)
    assert "FailNow: the address does not exist" in job.last_error
    assert rows() == [(1, "FailNow")]


def test_snooze_waits_without_counting_the_attempt_or_an_error(handle):
    def later(job):
        raise Snooze(600)

    handle("LATER", later)
    enqueue("LATER", max_attempts=1)

    for _ in range(3):
        run_once()
        job = OutboxJob.objects.get()
        assert (job.status, job.attempts, job.last_error) == ("PENDING", 0, "")
        assert (job.run_after - job.started_at).total_seconds() >= 599.9
        due_again()

    assert rows() == []


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_snooze_is_for_a_time(seconds):
    with pytest.raises(ValueError, match="seconds must be from 0"):
        Snooze(seconds)


def test_unknown_job_type_ends_failed_with_a_clear_error():
    """A deployment may be half done, so each attempt counts; but it does not go on for ever."""
    enqueue("NOBODY_KNOWS", max_attempts=2)

    for _ in range(3):
        run_once()
        due_again()

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts) == ("FAILED", 2)
    assert "No handler is registered for job type 'NOBODY_KNOWS'" in job.last_error
    assert rows() == [(1, "UnknownJobTypeError"), (2, "UnknownJobTypeError")]


def test_resolver_is_asked_once_for_the_job_types_of_its_prefix():
    asked = []

    def resolve(job_type):
        asked.append(job_type)
        return Registration(job_type, print)

    registry = HandlerRegistry()
    registry.add_resolver("task:", resolve)

    assert registry.get("task:one") is registry.get("task:one")
    assert asked == ["task:one"]


@pytest.mark.parametrize("is_durable", [True, False])
@pytest.mark.postgresql
def test_success_waits_for_the_disk_unless_its_queue_says_otherwise(settings, is_durable):
    settings.OUTBOX = {"QUEUES": {"default": {"DURABLE_ACK": is_durable}}}
    enqueue("TEST_JOB")
    jobs = claim()

    with CaptureQueriesContext(connection) as captured:
        settled = settle([Result(job, 1.0) for job in jobs], using="default")

    assert settled.completed == 1
    statements = [query["sql"] for query in captured]
    assert any("synchronous_commit" in sql for sql in statements) is not is_durable
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
