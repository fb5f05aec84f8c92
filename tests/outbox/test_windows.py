"""At most one job per type and key in each stretch of time, whatever became of it."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from django_outbox.dispatcher import JobSpec, enqueue, enqueue_many, run_once
from django_outbox.exceptions import EnqueueError
from django_outbox.models import JobStatus, OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.execution import Result
from django_outbox.services.settlement import settle
from tests.outbox.running import in_thread, wait_for

# Its boundaries are a year apart, so that none falls into a test.
LONG = timedelta(days=366)


def claim() -> list[OutboxJob]:
    return QueueRota(["default"], worker="w", lease_seconds=60, using="default").claim(10)


def move_to_earlier_window(job: OutboxJob) -> None:
    assert job.window_key is not None
    bucket, _, rest = job.window_key.partition(":")
    OutboxJob.objects.filter(pk=job.pk).update(window_key=f"{int(bucket) - 1}:{rest}")


@pytest.mark.django_db
class TestOneWindow:
    @pytest.mark.parametrize("status", JobStatus)
    def test_job_of_the_same_window_is_returned_untouched(self, status):
        first = enqueue("TEST_JOB", "k", {"n": 1}, dedup_window=LONG)
        OutboxJob.objects.update(status=status)

        second = enqueue("TEST_JOB", "k", {"n": 2}, priority=5, dedup_window=LONG)

        assert (second.pk, second.status, second.payload) == (first.pk, status, {"n": 1})
        assert OutboxJob.objects.count() == 1

    def test_key_says_which_window_by_the_servers_clock(self):
        job = enqueue("TEST_JOB", "a:b", dedup_window=timedelta(hours=1))

        bucket, seconds, key = str(job.window_key).split(":", 2)
        assert (seconds, key) == ("3600", "a:b")
        # Both come from the server, and an hour may have ended between them.
        assert int(job.created_at.timestamp()) // 3600 - int(bucket) in (0, 1)
        assert OutboxJob.objects.get().window_key == job.window_key

    def test_finished_job_of_an_earlier_window_does_not_count(self):
        first = enqueue("TEST_JOB", "k", dedup_window=LONG)
        OutboxJob.objects.update(status="COMPLETED")
        move_to_earlier_window(first)

        assert enqueue("TEST_JOB", "k", dedup_window=LONG).pk != first.pk

    def test_pending_job_of_an_earlier_window_is_returned(self):
        first = enqueue("TEST_JOB", "k", {"n": 1}, dedup_window=LONG)
        move_to_earlier_window(first)

        second = enqueue("TEST_JOB", "k", {"n": 2}, dedup_window=LONG)

        assert (second.pk, second.payload) == (first.pk, {"n": 1})

    def test_pending_job_without_a_window_is_returned(self):
        first = enqueue("TEST_JOB", "k")

        assert enqueue("TEST_JOB", "k", dedup_window=LONG).pk == first.pk

    def test_call_without_a_window_does_not_care_for_one(self):
        first = enqueue("TEST_JOB", "k", dedup_window=LONG)
        OutboxJob.objects.update(status="COMPLETED")

        second = enqueue("TEST_JOB", "k")

        assert (second.pk != first.pk, second.window_key) == (True, None)

    def test_other_types_keys_and_lengths_have_windows_of_their_own(self):
        days = timedelta(days=365)
        calls = [("TEST_JOB", "k", LONG), ("NOTE", "k", LONG), ("TEST_JOB", "K", LONG)]
        for job_type, key, window in [*calls, ("TEST_JOB", "k", days)]:
            enqueue(job_type, key, dedup_window=window)
            OutboxJob.objects.update(status="COMPLETED")

        assert OutboxJob.objects.count() == 4

    def test_next_window_gets_a_job_of_its_own(self):
        first = enqueue("TEST_JOB", "k", dedup_window=timedelta(seconds=1))
        run_once()

        def is_new() -> bool:
            job = enqueue("TEST_JOB", "k", dedup_window=timedelta(seconds=1))
            return bool(job.pk != first.pk)

        wait_for(is_new)
        assert OutboxJob.objects.count() == 2

    def test_queue_that_deletes_ends_the_window_with_its_job(self, settings):
        settings.OUTBOX = {"QUEUES": {"default": {"ON_SUCCESS": "delete"}}}
        first = enqueue("TEST_JOB", "k", dedup_window=LONG)
        run_once()

        assert enqueue("TEST_JOB", "k", dedup_window=LONG).pk != first.pk

    def test_longest_key_fits(self):
        job = enqueue("TEST_JOB", "ż" * 255, dedup_window=timedelta(seconds=1))

        assert str(job.window_key).endswith(":1:" + "ż" * 255)

    def test_second_job_in_a_window_is_refused_by_the_database(self):
        job = enqueue("TEST_JOB", "k", dedup_window=LONG)

        with pytest.raises(IntegrityError), transaction.atomic():
            OutboxJob.objects.create(job_type="TEST_JOB", window_key=job.window_key)

    def test_first_takes_few_statements_and_so_does_the_next(self, django_assert_max_num_queries):
        is_mysql = connection.vendor == "mysql"
        with django_assert_max_num_queries(4 if is_mysql else 1):
            enqueue("TEST_JOB", "k", dedup_window=LONG)
        OutboxJob.objects.update(status="COMPLETED")
        with django_assert_max_num_queries(3):
            enqueue("TEST_JOB", "k", dedup_window=LONG)

    def test_bulk_meets_the_pending_job_of_a_window(self):
        enqueue("TEST_JOB", "k", dedup_window=LONG)

        assert enqueue_many([JobSpec("TEST_JOB", "k")]).met == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"dedup_window": timedelta(0)}, "from 1 second to 366 days"),
        ({"dedup_window": timedelta(milliseconds=999)}, "from 1 second to 366 days"),
        ({"dedup_window": timedelta(seconds=-5)}, "from 1 second to 366 days"),
        ({"dedup_window": timedelta(days=366, seconds=1)}, "from 1 second to 366 days"),
        ({"dedup_window": timedelta.max}, "from 1 second to 366 days"),
        ({"dedup_window": timedelta(seconds=1.5)}, "whole seconds"),
        ({"dedup_window": 60}, "must be a timedelta"),
        ({"dedup_window": LONG, "dedup_key": None}, "needs a dedup_key"),
        ({"dedup_window": LONG, "dedup_key": ""}, "needs a dedup_key"),
        ({"dedup_window": LONG, "on_duplicate": "replace"}, "exclude each other"),
    ],
)
def test_wrong_window_is_refused_with_a_sentence(arguments, reason):
    with pytest.raises(EnqueueError, match=reason):
        enqueue(**{"job_type": "TEST_JOB", "dedup_key": "k", **arguments})

    assert not OutboxJob.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_many_enqueues_of_one_window_at_once_store_one_job(self):
        """Workers finish it meanwhile, so that no pending twin keeps the others off."""
        barrier = threading.Barrier(9)
        ids: list[int] = []

        def save() -> None:
            barrier.wait()
            ids.extend(enqueue("TEST_JOB", "k", dedup_window=LONG).pk for _ in range(5))

        def work() -> None:
            barrier.wait()
            wait_for(lambda: settle([Result(job, 0.0) for job in claim()], using="default").total)

        threads = [in_thread(save) for _ in range(8)] + [in_thread(work)]
        for thread in threads:
            thread.join()

        assert len(ids) == 40
        assert set(ids) == {OutboxJob.objects.get().pk}

    def test_running_job_of_the_window_can_end_while_the_transaction_that_met_it_is_open(self):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer: whatever is open holds up everything")
        enqueue("TEST_JOB", "k", dedup_window=LONG)
        [running] = claim()
        completed: list[int] = []

        with transaction.atomic():
            met = enqueue("TEST_JOB", "k", dedup_window=LONG)
            in_thread(
                lambda: completed.append(settle([Result(running, 0.0)], using="default").completed)
            ).join()

        assert (met.pk, completed) == (running.pk, [1])

    def test_pending_job_of_the_window_is_not_taken_before_the_transaction_that_met_it_ends(self):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer: there a claim could only wait")
        enqueue("TEST_JOB", "k", dedup_window=LONG)
        early: list[OutboxJob] = []

        with transaction.atomic():
            enqueue("TEST_JOB", "k", dedup_window=LONG)
            in_thread(lambda: early.extend(claim())).join()

        assert (len(early), len(claim())) == (0, 1)
