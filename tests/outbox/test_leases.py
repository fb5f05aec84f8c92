"""A worker that dies or loses its lease: nothing is lost, and nothing late counts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.execution import Result
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back, settle

pytestmark = pytest.mark.django_db


def claim(worker: str = "w1") -> list[OutboxJob]:
    return QueueRota(["default"], worker=worker, lease_seconds=60, using="default").claim(50)


def let_leases_end() -> None:
    OutboxJob.objects.update(lease_until=timezone.now() - timedelta(minutes=20))


def test_claim_holds_the_job_for_the_length_of_the_lease():
    enqueue("TEST_JOB")

    [job] = claim()

    assert job.lease_until - job.started_at == pytest.approx(
        timedelta(seconds=60), abs=timedelta(milliseconds=2)
    )
    assert (job.status, job.worker, job.claim_no, job.attempts) == ("IN_PROGRESS", "w1", 1, 1)


def test_held_job_is_not_claimed_again():
    enqueue("TEST_JOB")
    claim("w1")

    assert claim("w2") == []


def test_job_of_a_dead_worker_comes_back_with_its_attempt_counted():
    enqueue("TEST_JOB")
    claim("w1")
    let_leases_end()

    rescue_expired(using="default")

    [job] = claim("w2")
    assert (job.attempts, job.claim_no, job.worker) == (2, 2, "w2")
    assert "worker w1 gave no sign of life" in job.last_error


def test_job_whose_lease_runs_is_left_alone():
    enqueue("TEST_JOB")
    claim("w1")

    rescue_expired(using="default")

    assert OutboxJob.objects.get().status == "IN_PROGRESS"


def test_payload_that_kills_every_worker_ends_failed():
    enqueue("TEST_JOB", max_attempts=2)
    for _ in range(2):
        claim()
        let_leases_end()
        rescue_expired(using="default")

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts) == ("FAILED", 2)
    assert "gave no sign of life" in job.last_error


def test_rescued_job_gives_way_to_a_newer_twin():
    enqueue("TEST_JOB", "k", {"version": 1})
    claim()
    let_leases_end()
    enqueue("TEST_JOB", "k", {"version": 2})

    rescue_expired(using="default")

    assert set(OutboxJob.objects.values_list("payload__version", "status")) == {
        (1, "CANCELLED"),
        (2, "PENDING"),
    }


def test_rescue_without_work_is_one_look(django_assert_num_queries):
    with django_assert_num_queries(1):
        rescue_expired(using="default")


def test_pass_rescues_what_a_dead_worker_left():
    enqueue("TEST_JOB")
    claim("dead")
    let_leases_end()

    run_once()

    assert OutboxJob.objects.get().status == "COMPLETED"


@pytest.mark.parametrize("error", [None, ValueError("late")])
def test_late_report_of_a_lost_claim_changes_nothing(error):
    enqueue("TEST_JOB")
    [old] = claim("w1")
    let_leases_end()
    rescue_expired(using="default")
    claim("w2")

    settled = settle([Result(old, 1.0, error)], using="default")

    job = OutboxJob.objects.get()
    assert (job.status, job.worker, job.claim_no) == ("IN_PROGRESS", "w2", 2)
    assert (settled.lost, settled.total) == (1, 1)


def test_late_report_is_void_even_when_the_same_worker_has_claimed_again():
    enqueue("TEST_JOB")
    [old] = claim("w1")
    let_leases_end()
    rescue_expired(using="default")
    claim("w1")

    settled = settle([Result(old, 1.0)], using="default")

    assert settled.lost == 1
    assert OutboxJob.objects.get().status == "IN_PROGRESS"


def test_job_that_was_never_begun_goes_back_with_its_attempt():
    enqueue("TEST_JOB")

    returned = give_back(claim(), using="default")

    job = OutboxJob.objects.get()
    assert (returned, job.status, job.attempts, job.last_error) == (1, "PENDING", 0, "")


def test_job_that_was_interrupted_goes_back_without_it():
    enqueue("TEST_JOB")

    give_back(claim(), using="default", reason="stopped")

    job = OutboxJob.objects.get()
    assert (job.status, job.attempts, job.last_error) == ("PENDING", 1, "stopped")


def test_heartbeat_extends_all_held_leases_in_one_statement(django_assert_num_queries):
    for _ in range(10):
        enqueue("TEST_JOB")
    jobs = claim("w1")
    let_leases_end()
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    heartbeat.hold(jobs)

    with django_assert_num_queries(1):
        assert heartbeat.beat() == 10

    assert not OutboxJob.objects.expired().exists()


def test_heartbeat_leaves_alone_what_its_worker_does_not_know_of():
    """The answer to a claim may be lost on the way: such jobs have to expire."""
    enqueue("TEST_JOB")
    enqueue("TEST_JOB")
    known, unknown = claim("w1")
    let_leases_end()
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    heartbeat.hold([known])

    heartbeat.beat()

    assert OutboxJob.objects.expired().get() == unknown


def test_heartbeat_does_not_take_back_a_lost_job():
    enqueue("TEST_JOB")
    jobs = claim("w1")
    let_leases_end()
    rescue_expired(using="default")
    claim("w2")
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    heartbeat.hold(jobs)

    assert heartbeat.beat() == 0


def test_heartbeat_with_nothing_to_hold_asks_nothing(django_assert_num_queries):
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    heartbeat.hold([OutboxJob(pk=1)])
    heartbeat.drop([OutboxJob(pk=1)])

    with django_assert_num_queries(0):
        assert heartbeat.beat() == 0
