"""At most one pending job per type and key, and no update that is lost for it."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import JobStatus, OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.execution import Result
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back, settle
from tests.outbox.running import in_thread


def claim(worker: str = "w", limit: int = 50) -> list[OutboxJob]:
    return QueueRota(["default"], worker=worker, lease_seconds=60, using="default").claim(limit)


@pytest.mark.django_db
class TestKeys:
    def test_second_enqueue_returns_the_pending_job_untouched(self):
        first = enqueue("TEST_JOB", "k", {"n": 1})

        second = enqueue("TEST_JOB", "k", {"n": 2}, priority=5)

        assert second.pk == first.pk
        stored = OutboxJob.objects.get()
        assert (stored.payload, stored.priority) == ({"n": 1}, 0)

    def test_replace_overwrites_the_pending_job(self):
        first = enqueue("TEST_JOB", "k", {"n": 1}, run_after=timedelta(hours=1))

        second = enqueue("TEST_JOB", "k", {"n": 2}, priority=5, on_duplicate="replace")

        assert second.pk == first.pk
        stored = OutboxJob.objects.get()
        assert (stored.payload, stored.priority, second.payload) == ({"n": 2}, 5, {"n": 2})
        assert stored.run_after < first.run_after

    def test_replace_gives_a_retrying_job_its_attempts_back(self):
        enqueue("FAIL", "k")
        run_once()

        job = enqueue("FAIL", "k", on_duplicate="replace")

        assert (job.attempts, job.last_error) == (0, "")

    def test_replace_without_a_twin_stores_the_job(self):
        assert enqueue("TEST_JOB", "k", {"n": 2}, on_duplicate="replace").payload == {"n": 2}

    @pytest.mark.parametrize(
        ("one", "other"), [("A", "a"), ("a", "a "), ("ss", "ß"), ("e", "é"), ("1", "１")]
    )
    def test_keys_that_differ_in_one_byte_are_two_keys(self, one, other):
        enqueue("TEST_JOB", one)
        enqueue("TEST_JOB", other)

        assert OutboxJob.objects.count() == 2
        assert OutboxJob.objects.filter(dedup_key=other).count() == 1

    def test_job_types_that_differ_in_case_are_two_types(self):
        assert enqueue("TEST_JOB", "k").pk != enqueue("test_job", "k").pk

    def test_same_key_under_another_type_is_another_job(self):
        assert enqueue("TEST_JOB", "k").pk != enqueue("OTHER", "k").pk

    @pytest.mark.parametrize("status", [s for s in JobStatus if s != JobStatus.PENDING])
    def test_job_that_is_not_pending_does_not_block_a_new_one(self, status):
        old = enqueue("TEST_JOB", "k")
        OutboxJob.objects.update(status=status)

        new = enqueue("TEST_JOB", "k")

        assert new.pk != old.pk


@pytest.mark.django_db
class TestRetryMeetsTwin:
    def test_retry_that_finds_a_newer_twin_is_cancelled_as_superseded(self):
        enqueue("FAIL", "k", {"version": 1})
        [running] = claim()
        newer = enqueue("FAIL", "k", {"version": 2})

        settled = settle([Result(running, 0.1, ValueError())], using="default")

        running.refresh_from_db()
        newer.refresh_from_db()
        assert (running.status, running.last_error) == ("CANCELLED", "superseded")
        assert (newer.status, newer.payload) == ("PENDING", {"version": 2})
        assert settled.superseded == 1

    def test_older_twin_that_waits_gives_way_to_the_newer_one(self):
        enqueue("FAIL", "k", {"version": 1})
        [older] = claim()
        enqueue("FAIL", "k", {"version": 2})
        [newer] = claim()
        settle([Result(older, 0.1, ValueError())], using="default")

        settle([Result(newer, 0.1, ValueError())], using="default")

        older.refresh_from_db()
        newer.refresh_from_db()
        assert (older.status, older.last_error) == ("CANCELLED", "superseded")
        assert newer.status == "PENDING"


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_many_enqueues_of_one_key_at_once_store_one_job(self):
        barrier = threading.Barrier(8)
        ids: list[int] = []

        def save() -> None:
            barrier.wait()
            ids.append(enqueue("TEST_JOB", "k").pk)

        for thread in [in_thread(save) for _ in range(8)]:
            thread.join()

        assert len(ids) == 8
        assert set(ids) == {OutboxJob.objects.get().pk}

    @pytest.mark.parametrize("on_duplicate", ["return", "replace"])
    def test_no_worker_takes_the_merged_job_before_the_merging_transaction_ends(self, on_duplicate):
        """Else its handler would read the old data, and the new data would have no job."""
        enqueue("TEST_JOB", "k")
        merged, looked = threading.Event(), threading.Event()

        def save() -> None:
            with transaction.atomic():
                enqueue("TEST_JOB", "k", on_duplicate=on_duplicate)
                merged.set()
                looked.wait(10)

        saver = in_thread(save)
        assert merged.wait(10)
        # SQLite has one writer: there a claim could only wait for the other transaction.
        early = [] if connection.vendor == "sqlite" else claim()
        looked.set()
        saver.join()
        late = claim()

        assert (len(early), len(late)) == (0, 1)

    def test_job_whose_key_is_being_enqueued_does_not_keep_the_others_from_going_back(self):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer: whatever is open holds up everything")
        enqueue("TEST_JOB", "k")
        enqueue("TEST_JOB")
        held, free = claim()
        returned: list[int] = []

        with transaction.atomic():
            enqueue("TEST_JOB", "k")
            in_thread(lambda: returned.append(give_back([held, free], using="default"))).join()

        held.refresh_from_db()
        free.refresh_from_db()
        assert returned == [1]
        assert (held.status, free.status) == ("IN_PROGRESS", "PENDING")

    def test_job_whose_key_is_being_enqueued_does_not_keep_the_others_from_their_rescue(self):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer: whatever is open holds up everything")
        enqueue("TEST_JOB", "k")
        enqueue("TEST_JOB")
        blocked, free = claim()
        OutboxJob.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        rescued: list[int] = []

        with transaction.atomic():
            enqueue("TEST_JOB", "k")
            in_thread(lambda: rescued.append(rescue_expired(using="default").total)).join()

        blocked.refresh_from_db()
        free.refresh_from_db()
        assert rescued == [1]
        assert (blocked.status, free.status) == ("IN_PROGRESS", "PENDING")

    def test_key_that_is_claimed_while_it_is_enqueued_gets_a_new_job(self):
        """Enqueuers and claimers fight for one key; whatever was enqueued last is still done."""
        enqueued = claimed = 0
        stop = threading.Event()

        def worker() -> None:
            nonlocal claimed
            while not stop.is_set() or OutboxJob.objects.pending().exists():
                jobs = claim(worker=f"w{threading.get_ident()}")
                settle([Result(job, 0.0) for job in jobs], using="default")
                claimed += len(jobs)

        workers = [in_thread(worker) for _ in range(2)]
        for _ in range(60):
            job = enqueue("TEST_JOB", "k")
            assert job.status == "PENDING"
            enqueued += 1
        stop.set()
        for thread in workers:
            thread.join()

        statuses = set(OutboxJob.objects.values_list("status", flat=True))
        assert statuses == {"COMPLETED"}
        assert 1 <= OutboxJob.objects.count() <= enqueued
