"""outbox_prune: what goes, what stays, and who is never waited for."""

import json
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_outbox.models import Inbox, OutboxAttempt, OutboxJob
from django_outbox.services.prune import PruneOrder, prune
from tests.outbox.commanding import document, run, store

pytestmark = pytest.mark.django_db


def attempt(job_id: int, claim_no: int = 1) -> None:
    OutboxAttempt.objects.create(job_id=job_id, claim_no=claim_no, attempt=1)


def test_prune_deletes_old_completed_and_cancelled_jobs_with_their_attempts():
    (old,) = store(status="COMPLETED", days_ago=31)
    store(status="CANCELLED", days_ago=31)
    kept = store(status="COMPLETED", days_ago=29) + store(status="FAILED", days_ago=300)
    kept += store(days_ago=300) + store(status="IN_PROGRESS", days_ago=300)
    for job in (old, *kept):
        attempt(job.pk)

    answer = document("outbox_prune")

    assert (answer["jobs"], answer["attempts"], answer["complete"]) == (2, 1, True)
    assert set(OutboxJob.objects.all()) == set(kept)
    assert OutboxAttempt.objects.count() == len(kept)


def test_prune_deletes_dead_letters_only_when_asked():
    store(status="FAILED", days_ago=10)
    store(status="COMPLETED", days_ago=10)

    document("outbox_prune", "--status", "FAILED", "--days", 9)

    assert [job.status for job in OutboxJob.objects.all()] == ["COMPLETED"]


def test_prune_keeps_a_queue_as_long_as_its_setting_says_unless_told_otherwise(settings):
    settings.OUTBOX = {"QUEUES": {"brief": {"KEEP_DAYS": 1}, "long": {"KEEP_DAYS": 90}}}
    for queue in ("brief", "long", "default"):
        store(status="COMPLETED", days_ago=2, queue=queue)
        store(status="COMPLETED", days_ago=60, queue=queue)

    document("outbox_prune")
    by_setting = sorted(OutboxJob.objects.values_list("queue", flat=True))
    document("outbox_prune", "--days", 30, "--queue", "long")
    by_option = sorted(OutboxJob.objects.values_list("queue", flat=True))

    assert by_setting == ["default", "long", "long"]
    assert by_option == ["default", "long"]


def test_prune_goes_on_in_small_steps_past_jobs_that_stay():
    store(25, days_ago=40)
    store(25, status="COMPLETED", days_ago=40)

    answer = document("outbox_prune", "--batch", 10)

    assert answer["jobs"] == 25
    assert OutboxJob.objects.count() == 25


def test_prune_ends_where_the_jobs_are_young_and_does_not_read_them():
    store(10, status="COMPLETED", days_ago=40)
    store(1000, status="COMPLETED", days_ago=1)

    with CaptureQueriesContext(connection) as captured:
        prune(PruneOrder(batch=10))

    assert not OutboxJob.objects.filter(
        finished_at__lt=timezone.now() - timedelta(days=30)
    ).exists()
    assert len(captured) < 20


def test_prune_dry_run_counts_and_keeps():
    store(3, status="COMPLETED", days_ago=40)
    Inbox.objects.create(message_id="m", received_at=timezone.now() - timedelta(days=9))

    text = run("outbox_prune", "--dry-run", "--inbox-days", "7")

    assert text == "Would delete: jobs 3, inbox 1.\n"
    assert (OutboxJob.objects.count(), Inbox.objects.count()) == (3, 1)


def test_prune_deletes_orphaned_attempts_and_old_messages_when_asked():
    (job,) = store()
    attempt(job.pk)
    attempt(job.pk + 1_000_000)
    for days in (1, 9):
        received = timezone.now() - timedelta(days=days)
        Inbox.objects.create(message_id=f"{days}", received_at=received)

    answer = document("outbox_prune", "--attempts", "--inbox-days", 7)

    assert (answer["orphans"], answer["inbox"]) == (1, 1)
    assert OutboxAttempt.objects.get().job_id == job.pk
    assert Inbox.objects.get().message_id == "1"


def test_prune_that_runs_out_of_time_says_so():
    store(3, status="COMPLETED", days_ago=40)

    answer = document("outbox_prune", "--max-seconds", "1e-9")

    assert (answer["jobs"], answer["complete"]) == (0, False)


def test_prune_keeps_a_job_that_was_run_again_between_its_look_and_its_write(monkeypatch):
    (job,) = store(status="COMPLETED", days_ago=40)
    from django_outbox.services import prune as module

    before = module._Walk._delete_jobs

    def run_again_first(walk: module._Walk, ids: list[int]) -> None:
        OutboxJob.objects.filter(pk=job.pk).back_to_pending()
        before(walk, ids)

    monkeypatch.setattr(module._Walk, "_delete_jobs", run_again_first)
    pruned = prune(PruneOrder())

    assert pruned.jobs == 0
    assert OutboxJob.objects.get() == job


@pytest.mark.django_db(transaction=True)
def test_prune_passes_over_rows_that_another_transaction_holds():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no locks on rows")
    held, *_ = store(5, status="COMPLETED", days_ago=40)
    attempt(held.pk)
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM outbox_job WHERE id = %s FOR UPDATE", [held.pk])
        pruned = prune(PruneOrder())
    finally:
        other.rollback()
        other.close()

    assert pruned.jobs == 4
    assert OutboxJob.objects.get() == held
    assert OutboxAttempt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_prunes_at_once_delete_everything_once(spawn):
    store(6000, status="COMPLETED", days_ago=40)

    both = [spawn("outbox_prune", "--json", "--batch", "50") for _ in range(2)]
    answers = [json.loads(one.communicate(timeout=60)[0]) for one in both]

    assert sum(answer["jobs"] + answer["skipped"] for answer in answers) >= 6000
    assert sum(answer["jobs"] for answer in answers) <= 6000
    prune(PruneOrder())
    assert not OutboxJob.objects.exists()
