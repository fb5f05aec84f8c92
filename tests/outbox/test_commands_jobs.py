"""The commands that look at jobs and change them: status, retry, cancel; wrong usage of all."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob, OutboxWorker
from django_outbox.services.selection import BATCH
from django_outbox.services.status import outbox_status
from tests.outbox.commanding import document, run, store
from tests.outbox.test_backlog import reads

pytestmark = pytest.mark.django_db


# outbox_status


def test_status_counts_each_queue_by_what_its_jobs_wait_for(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {"LANES": True}}}
    store(2)
    store(3, run_after=timezone.now() + timedelta(hours=1))
    store(4, priority=7, queue="mail")
    store(2, group_key="a", queue="mail")
    store(1, group_key="b", queue="mail", run_after=timezone.now() + timedelta(hours=1))
    store(5, status="FAILED")
    store(6, status="COMPLETED")
    store(1, status="IN_PROGRESS", lease_until=timezone.now(), queue="mail")

    queues = {queue["queue"]: queue for queue in document("outbox_status")["queues"]}

    counted = ("due", "later", "in_progress", "failed", "lanes")
    assert [queues["default"][name] for name in counted] == [2, 3, 0, 5, 0]
    assert [queues["mail"][name] for name in counted] == [6, 1, 1, 0, 2]
    assert queues["mail"]["at_least"] == []


def test_status_tells_how_long_the_first_due_job_has_waited():
    store(days_ago=1 / 24, priority=-3)
    store(days_ago=1 / 48, priority=9)
    store(run_after=timezone.now() + timedelta(days=9), priority=9)

    (queue,) = document("outbox_status")["queues"]

    assert 3590 < queue["oldest_due_seconds"] < 3900


def test_status_shows_a_queue_that_is_declared_no_longer():
    store(queue="gone")

    assert "gone (not declared)" in run("outbox_status")
    assert "gone" not in run("outbox_status", "--queue", "default")


def test_counting_stops_at_the_limit_and_says_so():
    store(20)
    store(20, group_key="lane", days_ago=2)
    store(20, status="FAILED")

    (capped,) = outbox_status(limit=10).queues
    (exact,) = outbox_status(limit=None).queues

    assert (capped.due, capped.failed) == (10, 10)
    assert {"due", "failed"} <= set(capped.at_least)
    assert capped.oldest_due_seconds > 86_000
    assert (exact.due, exact.failed, exact.lanes, exact.at_least) == (40, 20, 1, ())


def test_status_reads_no_more_when_there_are_ten_times_as_many_jobs():
    def look() -> object:
        return outbox_status(limit=100)

    def fill(count: int) -> None:
        store(count)
        store(count, status="COMPLETED")
        store(count, run_after=timezone.now() + timedelta(days=9), priority=3)
        for n in range(count // 10):
            store(10, group_key=f"lane {n}")
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE outbox_job")

    fill(300)
    few = reads(look)
    fill(3000)
    many = reads(look)

    # Pages, rows or hundreds of instructions: a count of all would be ten times as many.
    assert many < 5 * few, (few, many)


def test_status_lists_workers_and_which_of_them_are_silent():
    long_ago = timezone.now() - timedelta(minutes=10)
    worker = {"host": "h", "pid": 7, "queues": ["default"]}
    OutboxWorker.objects.create(name="h:7:aa", **worker)
    OutboxWorker.objects.create(name="h:7:bb", seen_at=long_ago, **worker)

    workers = document("outbox_status")["workers"]
    text = run("outbox_status")

    assert [(one["name"], one["is_live"]) for one in workers] == [
        ("h:7:aa", True),
        ("h:7:bb", False),
    ]
    assert "ago, silent" in text


def test_status_fails_when_a_due_job_has_waited_too_long():
    store(days_ago=1)

    with pytest.raises(CommandError, match="longer than 3600 s") as refusal:
        run("outbox_status", "--fail-if-older-than", "3600")
    assert refusal.value.returncode == 1
    assert "default" in run("outbox_status", "--fail-if-older-than", "90000")


# outbox_retry and outbox_cancel


def test_retry_takes_what_the_selectors_mean_and_nothing_else():
    store(2, status="FAILED", last_error="no route to HOST")
    store(3, status="FAILED", last_error="no route to host", job_type="OTHER")
    store(4, status="FAILED", last_error="timeout")
    store(5, status="CANCELLED", last_error="no route to host")

    answer = document("outbox_retry", "--job-type", "TEST_JOB", "--error-contains", "to host")

    assert answer == {"waiting": 2, "skipped": 0, "dry_run": False}
    assert OutboxJob.objects.pending().count() == 2


def test_retry_by_id_takes_cancelled_jobs_too():
    (failed,) = store(status="FAILED")
    (cancelled,) = store(status="CANCELLED")
    (done,) = store(status="COMPLETED")

    ids = [part for job in (failed, cancelled, done) for part in ("--id", job.pk)]
    answer = document("outbox_retry", *ids)

    assert answer["waiting"] == 2
    assert set(OutboxJob.objects.pending()) == {failed, cancelled}


@pytest.mark.parametrize("since", ["2h", "date"])
def test_retry_since_a_moment(since):
    store(2, status="FAILED", days_ago=3)
    recent = store(1, status="FAILED", days_ago=1 / 48)
    yesterday = timezone.localdate() - timedelta(days=1)

    run("outbox_retry", "--failed-since", str(yesterday) if since == "date" else since)

    assert list(OutboxJob.objects.pending()) == recent


def test_retry_takes_the_oldest_first_up_to_the_limit():
    jobs = store(BATCH + 20, status="FAILED")

    answer = document("outbox_retry", "--all", "--limit", BATCH + 10)

    left = OutboxJob.objects.filter(status="FAILED").values_list("pk", flat=True)
    assert answer["waiting"] == BATCH + 10
    assert set(left) == {job.pk for job in jobs[:10]}


def test_retry_skips_a_job_whose_newer_twin_waits():
    store(status="FAILED", dedup_key="k")
    enqueue("TEST_JOB", "k")

    assert "Retried 0 jobs, 1 skipped" in run("outbox_retry", "--all")


@pytest.mark.parametrize("command", ["outbox_retry", "outbox_cancel"])
def test_dry_run_says_how_many_and_changes_nothing(command):
    store(3, status="FAILED")
    store(3)
    before = list(OutboxJob.objects.order_by("pk").values())

    assert "3 jobs" in run(command, "--all", "--dry-run")
    assert list(OutboxJob.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("many", [False, True])
def test_cancel_takes_waiting_jobs_of_a_queue_and_keeps_the_reason(settings, monkeypatch, many):
    """Found along the index of pending jobs, or by a walk when there are too many of them."""
    if many:
        monkeypatch.setattr("django_outbox.services.selection._PENDING_AT_ONCE", 10)
    settings.OUTBOX = {"QUEUES": {"mail": {}}}
    store(2500, queue="mail")
    store(20)
    store(1, queue="mail", status="IN_PROGRESS")

    answer = document("outbox_cancel", "--queue", "mail", "--reason", "wrong season")

    assert answer == {"cancelled": 2500, "dry_run": False}
    assert OutboxJob.objects.filter(status="CANCELLED", last_error="wrong season").count() == 2500
    assert OutboxJob.objects.pending().count() == 20


# Wrong usage


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("outbox_status", ["--queue", "mial"], "Queue 'mial' is not declared"),
        ("outbox_status", ["--fail-if-older-than", "-1"], "must be 0 seconds or more, got -1.0"),
        ("outbox_retry", [], "Say which jobs"),
        ("outbox_cancel", [], "Say which jobs"),
        ("outbox_retry", ["--failed-since", "soon"], "failed-since must be a moment"),
        ("outbox_retry", ["--failed-since", "2026-13-40"], "failed-since must be a moment"),
        ("outbox_retry", ["--all", "--limit", "0"], "limit must be 1 or more, got 0"),
        ("outbox_retry", ["--id", "99999999999999999999"], "id must be a job's number"),
        ("outbox_cancel", ["--all", "--reason", "a\nb"], "reason must be one line"),
        ("outbox_prune", ["--days", "-1"], "days must be 0 to 36500, got -1"),
        ("outbox_prune", ["--inbox-days", "-1"], "inbox-days must be 0 to 36500, got -1"),
        ("outbox_prune", ["--batch", "0"], "batch must be 1 to 10000, got 0"),
        ("outbox_prune", ["--max-seconds", "nan"], "max-seconds must be greater than 0, got nan"),
    ],
)
def test_wrong_usage_is_refused_with_two_and_a_sentence(command, arguments, sentence):
    with pytest.raises(CommandError, match=sentence) as refusal:
        run(command, *arguments)
    assert refusal.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_commands_are_programs_with_one_json_document(manage: Callable[..., Any]):
    store(2, status="FAILED")
    ended = [
        manage("outbox_status", "--json"),
        manage("outbox_retry", "--all", "--json"),
        manage("outbox_cancel", "--all", "--json"),
        manage("outbox_prune", "--days", "0", "--json"),
    ]
    refused = manage("outbox_prune", "--status", "PENDING", "--json")

    assert [one.returncode for one in ended] == [0, 0, 0, 0], ended
    answers = [json.loads(one.stdout) for one in ended]
    assert answers[1]["waiting"] == answers[2]["cancelled"] == answers[3]["jobs"] == 2
    assert (refused.returncode, json.loads(refused.stdout)["exit_status"]) == (2, 2)
