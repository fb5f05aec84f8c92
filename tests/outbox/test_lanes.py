"""Serial lanes: one job of a group at a time, in the order of their ids."""

import threading
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from django_outbox.backends import store_for
from django_outbox.dispatcher import enqueue
from django_outbox.exceptions import EnqueueError
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.execution import Result
from django_outbox.services.operations import cancel
from django_outbox.services.settlement import settle
from tests.outbox.running import in_thread, wait_for
from tests.outbox.test_backlog import reads

NEVER = datetime(2999, 1, 1, tzinfo=UTC)
LANES = {"QUEUES": {"default": {"LANES": True}, "other": {"LANES": True}, "plain": {}}}


@pytest.fixture(autouse=True)
def _lanes(settings):
    settings.OUTBOX = LANES


def rota(*queues: str, worker: str = "w") -> QueueRota:
    return QueueRota(queues or ["default"], worker=worker, lease_seconds=60, using="default")


def claim(limit: int = 50) -> list[OutboxJob]:
    return rota().claim(limit)


def finish(*jobs: OutboxJob, error: BaseException | None = None) -> None:
    settle([Result(job, 0.0, error) for job in jobs], using="default")


def store_lanes(lengths: dict[str, int], **fields: object) -> None:
    jobs = [
        OutboxJob(job_type="TEST_JOB", group_key=lane, **fields)
        for lane, length in lengths.items()
        for _ in range(length)
    ]
    OutboxJob.objects.bulk_create(jobs, batch_size=1000)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE outbox_job")


@pytest.mark.django_db
class TestOrder:
    def test_jobs_of_a_lane_run_one_after_the_other(self):
        jobs = [enqueue("TEST_JOB", group_key="customer-7") for _ in range(3)]

        order = []
        while claimed := claim():
            assert len(claimed) == 1
            assert claim() == []
            finish(*claimed)
            order += claimed

        assert order == jobs

    def test_retry_keeps_its_place_and_holds_up_its_lane_alone(self):
        first = enqueue("TEST_JOB", group_key="customer-7")
        second = enqueue("TEST_JOB", group_key="customer-7")
        other = enqueue("TEST_JOB", group_key="customer-8")
        [failed, _] = claim()

        finish(failed, error=ValueError())
        waiting = claim()
        OutboxJob.objects.filter(pk=first.pk).update(run_after=first.run_after)
        finish(other_claim := OutboxJob.objects.get(pk=other.pk))
        retried = claim()

        assert failed == first
        assert waiting == []
        assert other_claim == other
        assert retried == [first]
        assert second not in retried

    def test_dead_letter_lets_the_next_one_go(self):
        enqueue("TEST_JOB", group_key="customer-7", max_attempts=1)
        second = enqueue("TEST_JOB", group_key="customer-7")

        finish(*claim(), error=ValueError())

        assert claim() == [second]

    def test_cancelled_head_lets_the_next_one_go(self):
        first = enqueue("TEST_JOB", group_key="customer-7", run_after=timedelta(hours=1))
        second = enqueue("TEST_JOB", group_key="customer-7")
        assert claim() == []

        cancel([first.pk], using="default", reason="enough")

        assert claim() == [second]

    def test_priority_does_not_overtake_in_a_lane(self):
        first = enqueue("TEST_JOB", group_key="customer-7")
        enqueue("TEST_JOB", group_key="customer-7", priority=100)

        assert claim() == [first]

    @pytest.mark.parametrize(
        ("one", "other"), [("A", "a"), ("a", "a "), ("ss", "ß"), ("e", "é"), ("💙", "💚")]
    )
    def test_groups_that_differ_in_one_byte_are_two_lanes(self, one, other):
        enqueue("TEST_JOB", group_key=one)
        enqueue("TEST_JOB", group_key=other)

        assert {job.group_key for job in claim()} == {one, other}

    def test_same_group_in_two_queues_is_two_lanes(self):
        jobs = [enqueue("TEST_JOB", queue=name, group_key="a") for name in ("default", "other")]

        assert set(rota("default", "other").claim(10)) == set(jobs)

    def test_replacing_job_moves_to_its_new_lane(self):
        enqueue("TEST_JOB", "k", group_key="a")

        job = enqueue("TEST_JOB", "k", group_key="b", on_duplicate="replace")

        assert (job.group_key, OutboxJob.objects.get().group_key) == ("b", "b")


@pytest.mark.django_db
class TestFairness:
    def test_lanes_and_other_jobs_share_a_claim(self):
        for n in range(10):
            enqueue("TEST_JOB")
            enqueue("TEST_JOB", group_key=f"lane-{n}")

        claimed = claim(6)

        assert sorted(bool(job.group_key) for job in claimed) == [False] * 3 + [True] * 3

    def test_single_jobs_are_claimed_in_turn(self):
        for n in range(3):
            enqueue("TEST_JOB")
            enqueue("TEST_JOB", group_key=f"lane-{n}")
        worker = rota()

        kinds = [bool(worker.claim(1)[0].group_key) for _ in range(6)]

        assert kinds == [False, True] * 3

    @pytest.mark.parametrize("group", [None, "lane-{}"])
    def test_whole_claim_goes_to_the_one_kind_that_there_is(self, group):
        for n in range(9):
            enqueue("TEST_JOB", group_key=group and group.format(n))
        worker = rota()

        assert [len(worker.claim(4)) for _ in range(3)] == [4, 4, 1]

    def test_lanes_late_in_the_alphabet_get_their_turn(self):
        store_lanes({"a": 5, "b": 5, "z": 5})
        worker = rota()

        turns = []
        for _ in range(6):
            [job] = worker.claim(1)
            finish(job)
            turns.append(job.group_key)

        assert turns == ["a", "b", "z"] * 2

    def test_claim_looks_at_so_many_lanes_and_the_next_one_goes_on_behind_them(self):
        store_lanes({f"a{n:03}": 1 for n in range(510)}, run_after=NEVER)
        late = enqueue("TEST_JOB", group_key="z")
        worker = rota()

        assert worker.claim(10) == []
        assert worker.claim(10) == [late]

    def test_ordinary_job_behind_a_long_lane_is_claimed(self):
        store_lanes({"a": 500})
        job = enqueue("TEST_JOB")

        assert job in claim(2)


@pytest.mark.django_db
class TestCost:
    @pytest.mark.parametrize("lanes", [1, 20])
    def test_claim_reads_no_more_of_longer_lanes(self, lanes):
        # MariaDB reads pages of the index and gives up on those that one lane fills.
        names = [f"lane-{n:02}" for n in range(lanes)]
        store_lanes(dict.fromkeys(names, 40), run_after=NEVER)
        few = reads(claim)
        store_lanes(dict.fromkeys(names, 6000 // lanes), run_after=NEVER)

        many = reads(claim)

        assert many - few < 30
        OutboxJob.objects.filter(pk=OutboxJob.objects.earliest("pk").pk).update(
            run_after=datetime(2020, 1, 1, tzinfo=UTC)
        )
        assert len(claim()) == 1

    def test_queue_without_lanes_does_not_look_for_them(self, django_assert_num_queries, settings):
        with_lanes = 2
        with django_assert_num_queries(with_lanes):
            claim()
        settings.OUTBOX = {}
        with django_assert_num_queries(1):
            claim()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"queue": "plain"}, r"'plain' has no lanes.*\['plain'\]\['LANES'\].*default, other"),
        ({"group_key": "x" * 256}, "group_key has 256 characters, at most 255"),
        ({"group_key": "a\x00"}, "group_key holds a NUL"),
        ({"group_key": "\ud800"}, "group_key holds half a character"),
        ({"group_key": 7}, "group_key must be text"),
        ({"group_key": ["a"]}, "group_key must be text"),
    ],
)
def test_wrong_group_is_refused_with_a_sentence(arguments, reason):
    with pytest.raises(EnqueueError, match=reason):
        enqueue(**{"job_type": "TEST_JOB", "group_key": "a", **arguments})

    assert not OutboxJob.objects.exists()


@pytest.mark.django_db
def test_empty_group_is_none():
    assert enqueue("TEST_JOB", queue="plain", group_key="").group_key == ""


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_many_claimers_never_run_two_jobs_of_a_lane_at_once(self):
        """Each of them commits as it goes, so a lane is free for a moment between its jobs."""
        store_lanes({f"lane-{n}": 12 for n in range(5)})
        guard = threading.Lock()
        running: set[str] = set()
        done: dict[str, list[int]] = defaultdict(list)
        crowded: list[str] = []

        def work(number: int) -> None:
            claimer = rota(worker=f"w{number}")
            while OutboxJob.objects.exclude(status="COMPLETED").exists():
                jobs = claimer.claim(2)
                with guard:
                    crowded.extend(job.group_key for job in jobs if job.group_key in running)
                    running.update(job.group_key for job in jobs)
                    for job in jobs:
                        done[job.group_key].append(job.pk)
                # The handlers' time, in which the others claim.
                OutboxJob.objects.count()
                with guard:
                    running.difference_update(job.group_key for job in jobs)
                finish(*jobs)

        for thread in [in_thread(lambda number=number: work(number)) for number in range(4)]:
            thread.join()

        assert crowded == []
        assert {lane: sorted(ids) for lane, ids in done.items()} == done
        assert [len(ids) for ids in done.values()] == [12] * 5

    def test_worker_with_many_threads_drains_lanes_in_their_order(self, start, handle):
        order: dict[str, list[int]] = defaultdict(list)
        handle("TRACE", lambda job: order[job.group_key].append(job.pk))
        for _ in range(8):
            for lane in ("a", "b", "c", None):
                enqueue("TRACE", group_key=lane)

        start(queues=["default"], drain=True, concurrency=4).join()

        assert set(OutboxJob.objects.values_list("status", flat=True)) == {"COMPLETED"}
        assert [order[lane] for lane in "abc"] == [sorted(order[lane]) for lane in "abc"]
        assert [len(order[lane]) for lane in ("a", "b", "c", "")] == [8] * 4

    def test_job_that_commits_late_waits_for_the_younger_one_that_runs(self):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer: ids are committed in their order")
        stored, commit = threading.Event(), threading.Event()

        def save() -> None:
            with transaction.atomic():
                enqueue("TEST_JOB", group_key="a")
                stored.set()
                commit.wait(10)

        saver = in_thread(save)
        assert stored.wait(10)
        younger = enqueue("TEST_JOB", group_key="a")
        running = claim()
        commit.set()
        saver.join()
        meanwhile = claim()
        finish(*running)
        [older] = claim()

        assert running == [younger]
        assert meanwhile == []
        assert older.pk < younger.pk

    def test_head_whose_lane_was_taken_since_the_look_is_left_out(self):
        older, younger, other = (enqueue("TEST_JOB", group_key=lane) for lane in ("a", "a", "b"))
        assert claim(1) == [older]

        taken = store_for("default").take([younger.pk, other.pk], worker="w2", lease_seconds=60)

        assert taken == [other]

    @pytest.mark.parametrize("is_inside", [False, True])
    def test_lane_that_is_lost_to_an_open_claim_does_not_cost_the_other_lanes(self, is_inside):
        """An index alone knows of the other claim: no query of ours can see it yet."""
        if connection.vendor == "sqlite":
            pytest.skip("SQLite has one writer: no claim is open while another one is made")
        older, younger, other = (enqueue("TEST_JOB", group_key=lane) for lane in ("a", "a", "b"))
        store = store_for("default")
        claimed, commit, looked = threading.Event(), threading.Event(), threading.Event()
        taken: list[OutboxJob] = []

        def hold() -> None:
            with transaction.atomic():
                store.take([older.pk], worker="w1", lease_seconds=60)
                claimed.set()
                commit.wait(20)

        def take() -> bool:
            taken.extend(store.take([younger.pk, other.pk], worker="w2", lease_seconds=60))
            looked.set()
            return bool(taken)

        def lose() -> None:
            # MariaDB never waits, and may lock the gap behind a lane that has run before (its old
            # entry is not purged yet): then the next look, after that claim, has the lane.
            if not is_inside:
                wait_for(take, seconds=10)
                return
            with transaction.atomic():
                wait_for(take, seconds=10)
                assert OutboxJob.objects.count() == 3

        holder = in_thread(hold)
        assert claimed.wait(10)
        loser = in_thread(lose)
        if connection.vendor == "postgresql":
            wait_for(is_somebody_waiting)
        else:
            assert looked.wait(10)
        commit.set()
        loser.join()
        holder.join()

        assert taken == [other]
        assert OutboxJob.objects.get(pk=younger.pk).status == "PENDING"


def is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])
