"""A claim goes on behind the last one, and still misses nothing for long (PostgreSQL)."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_outbox.backends import floor as floors
from django_outbox.backends import store_for
from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def store():
    return store_for("default")


def claim(store, limit):
    return store.claim(queue="default", limit=limit, worker="w", lease_seconds=60)


def keys(jobs):
    return [job.dedup_key for job in jobs]


def fill(count, **facts):
    OutboxJob.objects.bulk_create(
        OutboxJob(job_type="T", dedup_key=f"{n:03}", run_after=timezone.now(), **facts)
        for n in range(count)
    )


def test_claims_in_a_row_give_the_jobs_in_their_order(store):
    fill(7)

    assert keys(claim(store, 3)) == ["000", "001", "002"]
    assert keys(claim(store, 3)) == ["003", "004", "005"]
    assert keys(claim(store, 3)) == ["006"]
    assert claim(store, 3) == []


def test_second_claim_does_not_begin_at_the_front_of_the_queue(store):
    fill(9)
    claim(store, 3)

    with CaptureQueriesContext(connection) as captured:
        claim(store, 3)

    assert len(captured) == 1
    assert "(run_after, id) >" in captured[0]["sql"]


def test_claim_that_is_not_filled_behind_the_floor_looks_at_the_whole_queue(store):
    fill(4)
    claim(store, 3)
    enqueue("T", "early", run_after=timezone.now() - timedelta(hours=1))
    enqueue("T", "urgent", priority=5)

    assert keys(claim(store, 3)) == ["003", "urgent", "early"]


def test_job_of_a_higher_priority_waits_no_longer_than_the_floor_lasts(store, monkeypatch):
    fill(20)
    claim(store, 3)
    enqueue("T", "urgent", priority=5)
    before = keys(claim(store, 3))
    store._floors["default"] = floors.Floor(0, timezone.now(), 0, until=0.0)

    after = keys(claim(store, 3))

    assert "urgent" not in before
    assert after[0] == "urgent"


def test_slow_look_at_the_whole_queue_makes_the_floor_last_longer():
    job = OutboxJob(pk=1, run_after=timezone.now())

    quick = floors.Floor.behind(job, look_seconds=0.001)
    slow = floors.Floor.behind(job, look_seconds=1.0)

    assert 9 < slow.until - quick.until < 10.5


def test_dead_entries_that_an_old_transaction_pins_are_not_read_again(store):
    """The claim behind the floor reads as much as on a fresh table."""
    fill(3000)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT count(*) FROM outbox_job")
        fresh = pages_read(store)
        for _ in range(50):
            claim(store, 50)
        pinned = pages_read(store)
    finally:
        other.close()

    assert pinned < 2 * fresh


def pages_read(store):
    if "default" not in store._floors:
        claim(store, 50)
    floor = store._floors["default"]
    store._floors["default"] = floors.Floor(
        floor.priority, floor.run_after, floor.job_id, until=float("inf")
    )
    with CaptureQueriesContext(connection) as captured:
        claim(store, 50)
    with connection.cursor() as cursor:
        # The plan of a claim that goes on from there, not carried out.
        select = captured[0]["sql"].partition("ARRAY(")[2].partition("FOR UPDATE")[0]
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {select}")
        plan = cursor.fetchone()[0][0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_claim_does_not_wait_for_the_disk_and_what_follows_it_does(store):
    fill(1)
    with CaptureQueriesContext(connection) as captured:
        claim(store, 1)

    assert "set_config('synchronous_commit', 'off', true)" in captured[0]["sql"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


def test_claim_inside_a_callers_transaction_leaves_its_durability_alone(store):
    fill(1)
    with transaction.atomic():
        assert len(claim(store, 1)) == 1
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)


def test_claimed_job_is_what_the_table_holds(store):
    enqueue("T", "k", {"a": 1})
    OutboxJob.objects.update(progress={"done": 3}, result=[1])

    (job,) = claim(store, 1)
    stored = OutboxJob.objects.get()

    assert job.get_deferred_fields() == set()
    for field in OutboxJob._meta.concrete_fields:
        if field.name != "lease_until":
            assert getattr(job, field.attname) == getattr(stored, field.attname), field.name
    assert abs(job.lease_until - stored.lease_until) < timedelta(seconds=1)


def test_store_of_another_worker_has_a_floor_of_its_own():
    fill(6)
    first, second = store_for("default"), store_for("default")

    assert keys(claim(first, 2)) == ["000", "001"]
    assert keys(claim(second, 2)) == ["002", "003"]
    assert keys(claim(first, 2)) == ["004", "005"]
