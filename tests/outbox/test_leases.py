"""A worker that dies or loses its lease: nothing is lost, and nothing late counts."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.execution import Result
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.identity import worker_name
from django_outbox.services.rescue import rescue, rescue_expired
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


def test_late_failure_of_a_lost_claim_does_not_cancel_the_older_twin_that_waits():
    older = enqueue("TEST_JOB", "k", {"version": 1})
    [first] = claim("w1")
    enqueue("TEST_JOB", "k", {"version": 2})
    [late] = claim("w2")
    OutboxJob.objects.filter(pk=late.pk).update(lease_until=timezone.now() - timedelta(hours=1))
    rescue_expired(using="default")
    settle([Result(job, 1.0) for job in claim("w3")], using="default")
    settle([Result(first, 1.0, ValueError())], using="default")

    settled = settle([Result(late, 1.0, ValueError("late"))], using="default")

    older.refresh_from_db()
    assert (older.status, settled.lost) == ("PENDING", 1)


def test_expired_job_that_its_worker_still_runs_is_left_to_the_other_workers():
    """The worker itself knows better: after a pause of the machine it takes nothing from itself."""
    enqueue("TEST_JOB")
    [job] = claim("w1")
    let_leases_end()

    own = rescue_expired(using="default", spare=[job.pk])
    others = rescue_expired(using="default")

    assert (own.total, others.retried) == (0, 1)


def test_lease_that_was_extended_after_the_look_is_not_taken():
    """A heartbeat may come between the look for expired jobs and the rescue of each."""
    enqueue("TEST_JOB", "k")
    [job] = claim("w1")
    let_leases_end()
    stale = OutboxJob.objects.get()
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    heartbeat.hold([job])
    heartbeat.beat()

    rescued = rescue(stale, using="default")

    assert rescued.retried == 0
    assert OutboxJob.objects.get().status == "IN_PROGRESS"


def test_heartbeat_goes_on_for_a_new_claim_when_the_old_one_is_dropped():
    """A worker may claim a job again that it had lost, and then hear of the first attempt."""
    enqueue("TEST_JOB")
    [old] = claim("w1")
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    heartbeat.hold([old])
    let_leases_end()
    rescue_expired(using="default")
    [new] = claim("w1")
    heartbeat.hold([new])

    heartbeat.drop([old])

    assert heartbeat.beat() == 1


def test_name_of_a_worker_is_ascii_whatever_the_host_is_called(monkeypatch):
    # The host cannot be given another name here.
    monkeypatch.setattr("socket.gethostname", lambda: "zażółć-\udcff-" + "x" * 60)

    name = worker_name()

    assert name.isascii()
    assert len(name) <= 64


def test_heartbeat_outlives_an_error_of_any_kind(caplog):
    """Its end would cost the leases of all jobs that its worker still runs."""
    beats = threading.Semaphore(0)

    class Stumbling(Heartbeat):
        def beat(self) -> int:
            beats.release()
            raise RuntimeError("a driver that is out of its mind")

    with Stumbling("w1", lease_seconds=60, every_seconds=0.01, using="default"):
        assert beats.acquire(timeout=10)
        assert beats.acquire(timeout=10)

    assert "out of its mind" in caplog.text


@pytest.mark.mariadb
def test_row_that_another_worker_took_is_not_taken_again():
    """A server with innodb_rollback_on_timeout drops the locks of a claim half-way."""
    from django_outbox.backends.mysql import MySQLStore

    enqueue("TEST_JOB")
    [job] = claim("w1")

    MySQLStore("default")._take([job.pk], "w2", 60)

    job.refresh_from_db()
    assert (job.worker, job.claim_no) == ("w1", 1)


@pytest.mark.mariadb
def test_report_locks_no_other_job_in_progress():
    """Offered an index on the status, MariaDB takes it for a short list, and locks all on it."""
    enqueue("TEST_JOB")
    jobs = claim("w1")
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    heartbeat.hold(jobs)

    with CaptureQueriesContext(connection) as captured:
        heartbeat.beat()
        settle([Result(job, 1.0) for job in jobs], using="default")

    updates = [query["sql"] for query in captured if "UPDATE" in query["sql"]]
    with connection.cursor() as cursor:
        for update in updates:
            cursor.execute(f"EXPLAIN {update.replace('%', '%%')}")
            assert cursor.fetchone()[4] == "PRIMARY"  # possible_keys
    assert len(updates) == 2
