"""What the database refuses, or somebody keeps locked: the worker goes on with the rest."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxAttempt, OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.execution import Result
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.ledger import Ledger
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back
from tests.outbox.running import statuses, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

LANES = {"QUEUES": {"default": {"LANES": True}}}

CREATE_TRIGGER = {
    "sqlite": """
        CREATE TRIGGER refusal BEFORE UPDATE ON outbox_job WHEN {condition}
        BEGIN SELECT RAISE(ABORT, 'this row is refused'); END
    """,
    "postgresql": """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'this row is refused'; END $$;
        CREATE TRIGGER refusal BEFORE UPDATE ON outbox_job FOR EACH ROW
        WHEN ({condition}) EXECUTE FUNCTION refuse()
    """,
    "mysql": """
        CREATE TRIGGER refusal BEFORE UPDATE ON outbox_job FOR EACH ROW
        IF {condition} THEN
            SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'this row is refused';
        END IF
    """,
}
DROP_TRIGGER = {
    "sqlite": "DROP TRIGGER refusal",
    "postgresql": "DROP TRIGGER refusal ON outbox_job; DROP FUNCTION refuse",
    "mysql": "DROP TRIGGER refusal",
}


@pytest.fixture
def database_refuses(
    transactional_db: None,
) -> Callable[[str], AbstractContextManager[None]]:
    """Let the database refuse a change of the jobs for which an SQL condition holds."""

    @contextmanager
    def refusing(condition: str) -> Iterator[None]:
        with connection.cursor() as cursor:
            cursor.execute(CREATE_TRIGGER[connection.vendor].format(condition=condition))
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(DROP_TRIGGER[connection.vendor])

    return refusing


@contextmanager
def being_enqueued(*keys: str) -> Iterator[None]:
    """Somebody has enqueued these keys in a transaction that stays open."""
    held, over = threading.Event(), threading.Event()

    def enqueue_and_stay() -> None:
        try:
            with transaction.atomic():
                for key in keys:
                    enqueue("TEST_JOB", key)
                held.set()
                over.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=enqueue_and_stay)
    thread.start()
    try:
        assert held.wait(30)
        yield
    finally:
        over.set()
        thread.join(30)


def claim(limit: int = 50) -> list[OutboxJob]:
    return QueueRota(["default"], worker="w1", lease_seconds=60, using="default").claim(limit)


def ledger_of(jobs: list[OutboxJob]) -> Ledger:
    heartbeat = Heartbeat("w1", lease_seconds=60, every_seconds=15, using="default")
    ledger = Ledger("w1", heartbeat=heartbeat, using="default")
    ledger.take(jobs)
    return ledger


def let_leases_end() -> None:
    OutboxJob.objects.update(lease_until=timezone.now() - timedelta(minutes=20))


def status_of(job: OutboxJob) -> str:
    return OutboxJob.objects.get(pk=job.pk).status


class TestResultsThatTheDatabaseRefuses:
    def test_refused_result_of_a_batch_is_a_failure_and_its_companions_complete(
        self, database_refuses
    ):
        refused = enqueue("TEST_JOB", priority=7)
        others = [enqueue("TEST_JOB") for _ in range(2)]
        ledger = ledger_of(jobs := claim())
        ledger.note(Result(job, 0.0) for job in jobs)

        with database_refuses("NEW.priority = 7 AND NEW.status = 'COMPLETED'"):
            settled = list(ledger.settle())

        assert [(one.completed, one.retried) for one in settled] == [(2, 1)]
        assert [status_of(job) for job in (refused, *others)] == ["PENDING", *["COMPLETED"] * 2]
        refused.refresh_from_db()
        assert "this row is refused" in refused.last_error
        assert ledger.is_empty

    def test_value_that_the_database_refuses_does_not_stop_the_worker(
        self, start, handle, database_refuses
    ):
        handle("VALUE", lambda job: {"answer": 42}, keep_result=True)
        refused = enqueue("VALUE", max_attempts=1)

        with database_refuses("NEW.result IS NOT NULL"):
            running = start()
            wait_for(lambda: status_of(refused) == "FAILED")
            other = enqueue("TEST_JOB")
            wait_for(lambda: status_of(other) == "COMPLETED")
            report = running.stop()

        assert "this row is refused" in OutboxAttempt.objects.get(job_id=refused.pk).error
        assert (report.settled.failed, report.settled.completed) == (1, 1)

    def test_job_that_cannot_be_changed_at_all_is_left_to_its_lease(
        self, start, database_refuses, caplog
    ):
        stuck = enqueue("TEST_JOB", priority=7)

        with database_refuses("NEW.priority = 7 AND NEW.status <> 'IN_PROGRESS'"):
            running = start()
            wait_for(lambda: "is left to its lease" in caplog.text)
            other = enqueue("TEST_JOB")
            wait_for(lambda: status_of(other) == "COMPLETED")
            report = running.stop()

        assert status_of(stuck) == "IN_PROGRESS"
        assert (report.settled.lost, report.settled.completed) == (1, 1)

    @pytest.mark.mariadb
    def test_results_larger_than_the_servers_packet_are_written_down_one_by_one(self, caplog):
        """The server hangs up on them: to a client that looks as if it were away."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@global.max_allowed_packet")
            ((packet,),) = cursor.fetchall()
        count = packet // 900_000 + 1
        for _ in range(count):
            enqueue("TEST_JOB")
        ledger = ledger_of(jobs := claim(count))
        ledger.note(Result(job, 0.0, value="x" * 900_000) for job in jobs)

        settled = list(ledger.settle())

        assert [one.completed for one in settled] == [count]
        assert statuses() == {"COMPLETED": count}
        assert "one by one now" in caplog.text


class TestAttemptsThatWereKeptBefore:
    """Job ids and claim numbers begin anew where a table was emptied and the other was not."""

    @pytest.mark.parametrize("count", [1, 3])
    def test_failure_whose_row_exists_is_settled_all_the_same(self, start, count):
        for _ in range(count):
            job = enqueue("FAIL", max_attempts=1)
            OutboxAttempt.objects.create(job_id=job.pk, claim_no=1, attempt=1, error="old")
        enqueue("TEST_JOB")

        report = start(drain=True, concurrency=4).join()

        assert statuses() == {"FAILED": count, "COMPLETED": 1}
        assert (report.settled.failed, report.settled.completed) == (count, 1)
        assert OutboxAttempt.objects.count() == count

    def test_rescue_of_a_job_whose_row_exists_frees_it(self):
        job = enqueue("TEST_JOB")
        claim()
        let_leases_end()
        OutboxAttempt.objects.create(job_id=job.pk, claim_no=1, attempt=1)

        rescued = rescue_expired(using="default")

        assert (rescued.retried, statuses()) == (1, {"PENDING": 1})


def test_refused_rescue_stops_neither_the_others_nor_the_worker(start, database_refuses, caplog):
    stuck, free = enqueue("TEST_JOB", priority=7), enqueue("TEST_JOB")
    claim()
    let_leases_end()

    with database_refuses("OLD.priority = 7 AND NEW.status = 'PENDING'"):
        running = start()
        wait_for(lambda: status_of(free) == "COMPLETED")
        other = enqueue("TEST_JOB")
        wait_for(lambda: status_of(other) == "COMPLETED")
        running.stop()

    assert status_of(stuck) == "IN_PROGRESS"
    assert f"job_id={stuck.pk} could not be taken from its worker" in caplog.text


@pytest.mark.postgresql
@pytest.mark.mariadb
class TestRowsThatSomebodyHasLocked:
    """On SQLite an open transaction that writes holds up every other writer."""

    def test_conflict_is_postponed_behind_the_results_that_wait(self):
        # InnoDB may ask for the next key in the index too: the free one stands behind the locked.
        locked, free = enqueue("TEST_JOB", "locked"), enqueue("TEST_JOB", "not locked")
        ledger = ledger_of(jobs := claim())
        ledger.note(Result(job, 0.0, ValueError()) for job in jobs)

        with being_enqueued("locked"):
            assert list(ledger.settle()) == []
            next(ledger.settle())
            assert (status_of(locked), status_of(free)) == ("IN_PROGRESS", "PENDING")
            assert ledger.has_results

        list(ledger.settle())
        assert status_of(locked) == "CANCELLED"
        assert ledger.is_empty

    def test_worker_with_postponed_results_runs_other_jobs(self, start, handle):
        may_fail = threading.Event()

        def fail(job: OutboxJob) -> None:
            assert may_fail.wait(30)
            raise ValueError

        handle("TEST_JOB", fail)
        keys = [f"k{number}" for number in range(3)]
        for key in keys:
            enqueue("TEST_JOB", key)
        start(concurrency=4)
        wait_for(lambda: statuses() == {"IN_PROGRESS": 3})

        with being_enqueued(*keys):
            may_fail.set()
            other = enqueue("ASK_DATABASE")
            wait_for(lambda: status_of(other) == "COMPLETED")

            assert statuses() == {"IN_PROGRESS": 3, "COMPLETED": 1}

    def test_jobs_go_back_with_little_patience(self, caplog):
        keys = [f"k{number}" for number in range(5)]
        for key in keys:
            enqueue("TEST_JOB", key)
        jobs = claim()

        with being_enqueued(*keys):
            returned = give_back(jobs, using="default", reason="stopped")

        told = [one for one in caplog.records if "goes back when its worker" in one.getMessage()]
        # Those that were tried name the conflict.
        tried = [one for one in told if len(one.args) == 2]
        assert (returned, len(told), len(tried)) == (0, 5, 2)

    def test_due_job_that_is_locked_is_no_reason_to_look_all_the_time(self, start):
        job = enqueue("TEST_JOB", "k")
        looks: list[None] = []

        with being_enqueued("k"):
            running = start(poll_seconds=2.0)
            running.worker._on_look = lambda: looks.append(None)
            # A slow machine looks less often.
            time.sleep(1)
            assert 1 <= len(looks) < 15

        wait_for(lambda: status_of(job) == "COMPLETED")


class TestLanesBeyondTheReachOfOneClaim:
    @pytest.fixture
    def last(self, settings) -> OutboxJob:
        """A job that is due, in the last of 1,201 lanes of which the others wait."""
        settings.OUTBOX = LANES
        later = timezone.now() + timedelta(days=1)
        OutboxJob.objects.bulk_create(
            OutboxJob(job_type="TEST_JOB", group_key=f"a{number:04}", run_after=later)
            for number in range(1200)
        )
        return enqueue("TEST_JOB", group_key="z")

    def test_single_pass_finds_them(self, last):
        assert run_once() == 1
        assert status_of(last) == "COMPLETED"

    def test_worker_that_drains_finds_them(self, start, last):
        assert start(drain=True).join().settled.completed == 1
        assert status_of(last) == "COMPLETED"

    def test_worker_finds_them_before_its_next_poll(self, start, last):
        running = start(poll_seconds=3600)

        wait_for(lambda: status_of(last) == "COMPLETED")
        running.stop()


class TestLastAttemptThatIsGivenBack:
    def test_it_is_a_dead_letter_with_the_reason(self):
        job = enqueue("TEST_JOB", max_attempts=1)

        returned = give_back(claim(), using="default", reason="stopped")

        job.refresh_from_db()
        assert (returned, job.status, job.attempts, job.last_error) == (1, "FAILED", 1, "stopped")
        attempt = OutboxAttempt.objects.get()
        assert attempt.error_type == "django_outbox.exceptions.WorkerStoppedError"

    def test_it_waits_again_when_it_was_not_begun(self):
        job = enqueue("TEST_JOB", max_attempts=1)

        returned = give_back(claim(), using="default")

        job.refresh_from_db()
        assert (returned, job.status, job.attempts) == (1, "PENDING", 0)

    def test_handler_that_outlives_the_grace_period_is_not_begun_once_more(self, start, handle):
        begun, release = threading.Semaphore(0), threading.Event()

        def run(job: OutboxJob) -> None:
            begun.release()
            assert release.wait(30)

        handle("TEST_JOB", run)
        enqueue("TEST_JOB", max_attempts=1)
        running = start(grace_seconds=0.1)
        assert begun.acquire(timeout=30)
        running.stop()
        start(drain=True).join()
        release.set()

        job = OutboxJob.objects.get()
        assert (job.status, job.attempts) == ("FAILED", 1)
        assert not begun.acquire(blocking=False)
