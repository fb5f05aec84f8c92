"""``@handler(keep_result=True)``: what the handler returned is stored with its job."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.models import OutboxJob
from django_outbox.services.execution import Result
from django_outbox.services.settlement import settle
from tests.outbox.running import statuses
from tests.outbox.test_dedup import claim

pytestmark = pytest.mark.django_db(transaction=True)

VALUES = [1, 0, 1.5, True, False, "text é", "", [], {}, {"a": [1, {"b": None}]}, "null", '"q"']


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_value_comes_back_as_it_was(handle, value):
    handle("ANSWER", lambda job: value, keep_result=True)
    job = enqueue("ANSWER")

    run_once()

    job.refresh_from_db()
    assert job.result == value
    assert type(job.result) is type(value)


def test_values_of_many_jobs_are_stored_with_one_statement():
    for _ in VALUES:
        enqueue("TEST_JOB")
    enqueue("TEST_JOB")
    *jobs, plain = claim()
    results = [Result(job, 1.0, value=value) for job, value in zip(jobs, VALUES, strict=True)]

    with CaptureQueriesContext(connection) as captured:
        settled = settle([*results, Result(plain, 1.0)], using="default")

    assert settled.completed == len(VALUES) + 1
    assert sum("UPDATE" in query["sql"] for query in captured) == 2
    stored = OutboxJob.objects.exclude(pk=plain.pk).order_by("pk")
    assert [job.result for job in stored] == VALUES
    assert {job.status for job in stored} == {"COMPLETED"}
    plain.refresh_from_db()
    assert (plain.status, plain.result) == ("COMPLETED", None)


def test_value_is_ignored_unless_it_is_to_be_kept(handle):
    handle("ANSWER", lambda job: object())
    enqueue("ANSWER")

    run_once()

    assert OutboxJob.objects.get(status="COMPLETED").result is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (object(), "The result of job 'ANSWER' is not JSON"),
        (float("nan"), "The result of job 'ANSWER' is not JSON"),
        ("a\x00b", "The result of job 'ANSWER' holds a NUL character"),
        ("x" * 2_000_000, "The result of job 'ANSWER' has 2,000,002 bytes"),
    ],
    ids=["object", "nan", "nul", "large"],
)
def test_value_that_cannot_be_stored_is_a_failed_attempt(handle, value, words):
    handle("ANSWER", lambda job: value, keep_result=True)
    enqueue("ANSWER", max_attempts=1)

    run_once()

    assert statuses() == {"FAILED": 1}
    assert words in OutboxJob.objects.get().last_error


def test_queue_that_deletes_what_is_done_has_no_place_for_results(handle, settings):
    settings.OUTBOX = {"QUEUES": {"default": {"ON_SUCCESS": "delete"}}}
    handle("ANSWER", lambda job: 1, keep_result=True)
    enqueue("ANSWER")

    assert run_once() == 1

    assert not OutboxJob.objects.exists()
