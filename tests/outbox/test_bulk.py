"""Many jobs in one call: the same jobs as one by one, all or none of them."""

import threading
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from django_outbox.dispatcher import Enqueued, JobSpec, enqueue, enqueue_many
from django_outbox.exceptions import EnqueueError
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota
from tests.outbox.running import in_thread

NOON = datetime(2030, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
MANY = 6_000


def claim() -> list[OutboxJob]:
    return QueueRota(["default"], worker="w", lease_seconds=60, using="default").claim(10)


@pytest.mark.django_db
class TestStoring:
    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"dedup_key": "k"},
            {"payload": {"text": 'tab\t, "quotes", \\back\\slash\n, żółć 💙, \\N and \\u0000'}},
            {"payload": [1, None, "x", {"y": 2.5}]},
            {"priority": -5, "max_attempts": 3, "queue": "mail", "group_key": "g\t\\"},
            {"dedup_key": "tab\tnewline\n\\.\\N żółć", "job_type": "T\r\n"},
            {"run_after": NOON},
        ],
    )
    def test_job_is_stored_as_enqueue_stores_it(self, settings, arguments):
        settings.OUTBOX = {"QUEUES": {"mail": {"LANES": True}}}
        arguments = {"job_type": "TEST_JOB", **arguments}
        enqueue_many([JobSpec(**arguments)])
        bulk = OutboxJob.objects.get()
        OutboxJob.objects.all().delete()

        single = enqueue(**arguments)

        clocks = {"id", "created_at"} | ({"run_after"} - arguments.keys())
        names = {field.attname for field in OutboxJob._meta.fields} - clocks
        assert {n: getattr(bulk, n) for n in names} == {n: getattr(single, n) for n in names}
        assert abs(bulk.created_at - single.created_at) < timedelta(seconds=30)

    def test_delay_counts_from_the_servers_now(self):
        enqueue_many([JobSpec("TEST_JOB", run_after=timedelta(minutes=5)), JobSpec("TEST_JOB")])

        later, now = OutboxJob.objects.order_by("pk")
        assert abs(later.run_after - later.created_at - timedelta(minutes=5)) < timedelta(seconds=1)
        assert now.run_after == now.created_at

    def test_thousands_keep_their_order(self):
        outcome = enqueue_many(JobSpec("TEST_JOB", f"k{n}", {"n": n}) for n in range(MANY))

        assert outcome == Enqueued(stored=MANY, met=0)
        stored = OutboxJob.objects.order_by("pk").values_list("payload", flat=True)
        assert [payload["n"] for payload in stored] == list(range(MANY))

    def test_jobs_with_a_pending_twin_are_counted_and_not_stored(self):
        pending = enqueue("TEST_JOB", "k7", {"n": "old"})
        done = enqueue("TEST_JOB", "k8")
        OutboxJob.objects.filter(pk=done.pk).update(status="COMPLETED")
        specs = [JobSpec("TEST_JOB", f"k{n % 5000}", {"n": n}) for n in range(MANY)]

        outcome = enqueue_many(specs)

        assert outcome == Enqueued(stored=4999, met=1001)
        stored = dict(OutboxJob.objects.pending().values_list("dedup_key", "payload"))
        assert stored["k7"] == pending.payload == {"n": "old"}
        assert (stored["k8"], stored["k0"], len(stored)) == ({"n": 8}, {"n": 0}, 5000)

    def test_keys_that_differ_in_one_byte_and_other_types_are_no_twins(self):
        enqueue("TEST_JOB", "a")
        keys = ["A", "a ", "ä", "\u0061\u0308"]

        outcome = enqueue_many([*(JobSpec("TEST_JOB", key) for key in keys), JobSpec("NOTE", "a")])

        assert outcome == Enqueued(stored=5, met=0)

    def test_jobs_without_a_key_are_never_merged(self):
        assert enqueue_many([JobSpec("TEST_JOB", key) for key in (None, "", None)]).stored == 3

    def test_nothing_is_nothing(self):
        assert enqueue_many([]) == Enqueued(stored=0, met=0)

    def test_jobs_disappear_with_the_callers_transaction(self):
        with pytest.raises(RuntimeError), transaction.atomic():
            enqueue_many([JobSpec("TEST_JOB")])
            raise RuntimeError

        assert not OutboxJob.objects.exists()

    def test_thousands_take_few_statements(self, django_assert_max_num_queries):
        # MariaDB: 12 portions, each with a savepoint around it and a look for twins before it.
        with django_assert_max_num_queries(12 * 4 + 4):
            enqueue_many([JobSpec("TEST_JOB", f"k{n}") for n in range(MANY)])

    def test_large_payloads_are_sent_in_portions(self):
        text = "x" * 1_000_000

        enqueue_many(JobSpec("TEST_JOB", None, text) for _ in range(20))

        assert OutboxJob.objects.count() == 20

    def test_generator_is_not_held_in_memory(self):
        def endless() -> Iterator[JobSpec]:
            for n in range(20_000):
                if n in (10_000, 19_999):
                    sizes.append(tracemalloc.get_traced_memory()[0])
                yield JobSpec("TEST_JOB", None, {"n": n, "text": "x" * 100})

        sizes: list[int] = []
        tracemalloc.start()
        try:
            enqueue_many(endless())
        finally:
            tracemalloc.stop()

        # Both are between two chunks of at most 5,000 jobs of about a kilobyte each.
        assert sizes[1] - sizes[0] < 8_000_000


@pytest.mark.django_db
class TestRefusals:
    @pytest.mark.parametrize(
        ("spec", "reason"),
        [
            (JobSpec(""), "job_type must be text"),
            (JobSpec("TEST_JOB", "a\x00"), "dedup_key holds a NUL"),
            (JobSpec("TEST_JOB", None, NOON), "not JSON"),
            (JobSpec("TEST_JOB", queue="mial"), "'mial' is not declared"),
            (JobSpec("TEST_JOB", group_key="a"), "'default' has no lanes"),
            (JobSpec("TEST_JOB", priority=10**6), "priority must be a whole number"),
            (JobSpec("TEST_JOB", max_attempts=0), "max_attempts must be a whole number"),
            (JobSpec("TEST_JOB", run_after="now"), "run_after must be a datetime"),  # type: ignore[arg-type]  # wrong on purpose
        ],
    )
    def test_wrong_job_is_named_and_none_is_stored(self, spec, reason):
        specs = [*(JobSpec("TEST_JOB") for _ in range(MANY)), spec, JobSpec("TEST_JOB")]

        with pytest.raises(EnqueueError, match=rf"^jobs\[{MANY}\]: .*{reason}"):
            enqueue_many(specs)

        assert not OutboxJob.objects.exists()

    def test_what_is_no_spec_is_named(self):
        with pytest.raises(EnqueueError, match=r"jobs\[1\] is a dict, not a JobSpec"):
            enqueue_many([JobSpec("TEST_JOB"), {"job_type": "TEST_JOB"}])

        assert not OutboxJob.objects.exists()

    def test_error_of_the_generator_comes_through_and_nothing_is_stored(self):
        def broken() -> Iterator[JobSpec]:
            yield from [JobSpec("TEST_JOB")] * MANY
            raise LookupError

        with pytest.raises(LookupError):
            enqueue_many(broken())

        assert not OutboxJob.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_many_bulks_of_the_same_keys_at_once_store_each_once(self):
        specs = [JobSpec("TEST_JOB", f"k{n:04}") for n in range(1500)]
        barrier = threading.Barrier(4)
        outcomes: list[Enqueued] = []

        def save() -> None:
            barrier.wait()
            outcomes.append(enqueue_many(specs))

        for thread in [in_thread(save) for _ in range(4)]:
            thread.join()

        assert len(outcomes) == 4
        assert sum(outcome.stored for outcome in outcomes) == 1500
        assert sum(outcome.met for outcome in outcomes) == 4500
        assert OutboxJob.objects.count() == 1500

    def test_no_worker_takes_the_met_job_before_the_transaction_ends(self):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer: there a claim could only wait")
        enqueue("TEST_JOB", "k")
        early: list[OutboxJob] = []

        with transaction.atomic():
            assert enqueue_many([JobSpec("TEST_JOB", "k")]).met == 1
            in_thread(lambda: early.extend(claim())).join()

        assert (len(early), len(claim())) == (0, 1)

    def test_key_that_is_claimed_while_it_is_enqueued_gets_a_new_job(self):
        claimed: list[OutboxJob] = []
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                claimed.extend(claim())

        worker = in_thread(work)
        stored = 0
        for _ in range(40):
            outcome = enqueue_many([JobSpec("TEST_JOB", "k"), JobSpec("TEST_JOB", "k2")])
            assert outcome.stored + outcome.met == 2
            stored += outcome.stored
        stop.set()
        worker.join()
        while more := claim():
            claimed += more

        assert len(claimed) == stored == OutboxJob.objects.count()
