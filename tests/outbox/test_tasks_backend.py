"""OutboxBackend: what it does beyond the API, which tests/tasks_conformance asks of it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_opskit.tasks import InvalidTask, task, task_backends
from django_outbox.dispatcher import enqueue, run_once
from django_outbox.exceptions import EnqueueError, FailNow, HandlerResultError
from django_outbox.models import OutboxJob
from django_outbox.services.operations import run_again, run_now
from django_outbox.services.task_api import (
    TaskResultDoesNotExist,
    task_finished,
    task_started,
)
from django_outbox.tasks import OutboxBackend
from tests.outbox import tasks
from tests.outbox.running import wait_for

pytestmark = pytest.mark.django_db

OUTBOX = "django_outbox.tasks.OutboxBackend"

# The stubs do not know that @task gives an OutboxTask here.
ADD: Any = tasks.add
ADD_LATER: Any = tasks.add_later


@pytest.fixture(autouse=True)
def backends(settings):
    """The site's default, and a second one that tries but once."""
    settings.TASKS = {
        "default": {"BACKEND": OUTBOX},
        "once": {"BACKEND": OUTBOX, "OPTIONS": {"MAX_ATTEMPTS": 1}},
    }


def run(result):
    """Let what is enqueued run once, without waiting for its moment, and read the result anew."""
    run_now([int(result.id)], using="default")
    run_once()
    result.refresh()
    return result


def queries(action):
    with CaptureQueriesContext(connection) as captured:
        action()
    return len(captured)


def test_task_is_a_job():
    result = tasks.add.using(priority=3).enqueue(1, b=2)

    job = OutboxJob.objects.get()
    assert (result.job, result.id) == (job, str(job.pk))
    assert job.job_type == "task:tests.outbox.tasks.add"
    assert job.payload == {"args": [1], "kwargs": {"b": 2}, "backend": "default"}
    assert (job.queue, job.priority, job.max_attempts) == ("default", 3, 10)


def test_task_of_a_transaction_that_is_rolled_back_never_was():
    with pytest.raises(LookupError), transaction.atomic():
        result = tasks.add.enqueue(1)
        raise LookupError

    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result(result.id)


def test_enqueueing_costs_what_a_job_costs():
    job = queries(lambda: enqueue("TEST_JOB"))

    assert queries(lambda: tasks.add.enqueue(1)) == job
    # MariaDB has no statement that stores a row and returns it.
    assert job == 1 or connection.vendor == "mysql"


def test_running_costs_what_a_job_costs():
    enqueue("TEST_JOB")
    job = queries(run_once)
    tasks.give.enqueue(None)

    assert queries(run_once) == job


def test_task_that_failed_waits_for_its_next_attempt():
    result = run(tasks.fail.enqueue())

    assert (str(result.status), result.attempts, result.is_finished) == ("READY", 1, False)
    assert [error.exception_class for error in result.errors] == [LookupError]
    assert (result.finished_at, result.job.status) == (None, "PENDING")


def test_next_attempt_knows_of_those_before():
    result = tasks.tell_attempt.enqueue(3)

    first = run(result).started_at
    run(result)
    run(result)

    known = [3, ["LookupError: attempt 1", "LookupError: attempt 2"]]
    assert (str(result.status), result.return_value, result.attempts) == ("SUCCESSFUL", known, 3)
    assert len(result.errors) == 2
    assert result.started_at == first < result.last_attempted_at <= result.finished_at
    assert all(result.worker_ids)


def test_task_that_has_used_up_its_attempts_has_failed():
    result = tasks.fail.with_options(max_attempts=2).enqueue()

    run(result)
    run(result)

    assert (str(result.status), result.attempts, len(result.errors)) == ("FAILED", 2, 2)


def test_task_that_is_run_again_starts_anew():
    result = run(tasks.fail.using(backend="once").enqueue())
    assert (str(result.status), result.attempts) == ("FAILED", 1)

    run_again([int(result.id)], using="default")
    result.refresh()

    assert (str(result.status), result.attempts, result.errors) == ("READY", 0, [])
    assert (result.started_at, result.finished_at) == (None, None)


@pytest.mark.parametrize(
    ("queue", "backend", "own", "expected"),
    [(None, "default", None, 10), (4, "default", None, 4), (4, "once", None, 1), (4, "once", 7, 7)],
)
def test_attempts_are_those_of_the_task_or_the_backend_or_the_queue(
    settings, queue, backend, own, expected
):
    settings.OUTBOX = {"QUEUES": {"default": {"MAX_ATTEMPTS": queue}}}

    result = tasks.add.using(backend=backend).with_options(max_attempts=own).enqueue(1)

    assert result.job.max_attempts == expected


def test_task_may_give_up():
    result = run(tasks.fail_for_good.enqueue())

    assert (str(result.status), result.attempts) == ("FAILED", 1)
    assert result.errors[0].exception_class is FailNow


def test_task_may_ask_for_another_time():
    result = run(tasks.come_back.enqueue())

    assert (str(result.status), result.attempts, result.errors) == ("READY", 0, [])
    assert result.started_at is None


def test_value_that_no_database_stores_is_a_failure():
    result = run(tasks.give_nul.using(backend="once").enqueue())

    assert str(result.status) == "FAILED"
    assert result.errors[0].exception_class is HandlerResultError


def test_cancelled_task_has_failed_and_says_why():
    result = tasks.add.enqueue(1)

    assert (result.cancel("no longer wanted"), result.cancel()) == (True, False)

    result.refresh()
    assert (str(result.status), result.attempts) == ("FAILED", 0)
    assert result.errors[0].exception_class.__name__ == "CancelledError"
    assert result.errors[0].traceback == "no longer wanted"


@pytest.mark.parametrize("name", ["get_halfway", "get_halfway_later"])
def test_task_tells_how_far_it_is(name):
    result = getattr(tasks, name).enqueue()
    assert result.progress is None

    run(result)

    assert result.progress == {"done": 1, "total": 2, "note": "halfway"}


def test_other_jobs_are_no_results():
    job = enqueue("TEST_JOB")

    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result(str(job.pk))


def test_job_that_was_deleted_on_success_has_no_result(settings):
    settings.OUTBOX = {"QUEUES": {"default": {"ON_SUCCESS": "delete"}}}
    result = tasks.add.enqueue(1)

    run_once()

    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


def test_task_that_is_no_more_fails_and_has_no_result():
    result = tasks.add.enqueue(1)
    OutboxJob.objects.update(job_type="task:tests.outbox.tasks.gone")

    run_once()

    assert "There is no task 'tests.outbox.tasks.gone'" in OutboxJob.objects.get().last_error
    with pytest.raises(TaskResultDoesNotExist, match=r"tasks\.gone"):
        result.refresh()


def test_second_task_of_a_key_is_the_first_one():
    keyed = tasks.add.with_options(dedup_key="k")
    first = keyed.enqueue(1)

    second = keyed.enqueue(2)

    assert (second.id, second.args) == (first.id, [1])
    assert OutboxJob.objects.count() == 1


def test_tasks_of_a_group_form_a_lane(settings):
    settings.OUTBOX = {"QUEUES": {"default": {"LANES": True}}}

    assert tasks.add.with_options(group_key="g").enqueue(1).job.group_key == "g"


def test_atomic_task_leaves_nothing_behind_when_it_fails():
    result = run(tasks.make_user.enqueue("ada", fails=True))

    assert (str(result.status), User.objects.exists()) == ("READY", False)


def test_atomic_task_succeeds_with_what_it_wrote():
    result = run(tasks.make_user.enqueue("ada"))

    assert (str(result.status), User.objects.get().username) == ("SUCCESSFUL", "ada")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (tasks.hidden.enqueue, "'tests.outbox.tasks.plain' is no task"),
        (lambda: ADD.with_options(atomic=True).enqueue(1), "another value of atomic"),
        (lambda: ADD_LATER.with_options(atomic=True), "coroutine cannot be atomic"),
        (lambda: ADD.with_options(max_attempts=0), "max_attempts must be 1 to 32767, got 0"),
        (lambda: ADD.with_options(dedup_key="k" * 256), "at most 255 characters"),
    ],
)
def test_task_that_could_not_be_run_as_wanted_is_refused(wrong, sentence):
    with pytest.raises(InvalidTask, match=sentence):
        wrong()

    assert not OutboxJob.objects.exists()


def test_function_with_an_endless_name_is_refused():
    def long(): ...

    long.__qualname__ = "f" * 200

    with pytest.raises(InvalidTask, match="at most 195 fit"):
        task(long)


def test_queue_that_the_outbox_lacks_is_refused(settings):
    settings.TASKS = {"default": {"BACKEND": OUTBOX, "QUEUES": ["mail"]}}

    with pytest.raises(EnqueueError, match="OUTBOX\\['QUEUES'\\]"):
        tasks.add.using(queue_name="mail").enqueue(1)


def test_wrong_options_are_told_when_they_are_needed(settings):
    settings.TASKS = {"default": {"BACKEND": OUTBOX, "OPTIONS": {"MAX_ATTEMPT": 1}}}

    with pytest.raises(ImproperlyConfigured, match=r"TASKS\['default'\]\['OPTIONS'\]"):
        tasks.add.enqueue(1)


def test_receiver_that_raises_does_not_undo_a_task(caplog):
    def refuse(**kwargs):
        raise LookupError("not today")

    for signal in (task_started, task_finished):
        signal.connect(refuse, sender=OutboxBackend)
    try:
        result = run(tasks.add.enqueue(1))
    finally:
        for signal in (task_started, task_finished):
            signal.disconnect(refuse, sender=OutboxBackend)

    assert str(result.status) == "SUCCESSFUL"
    assert "not today" in caplog.text


def test_receivers_hear_of_each_attempt():
    heard = []

    def hear(task_result, **kwargs):
        heard.append((str(task_result.status), task_result.attempts))

    task_finished.connect(hear)
    try:
        result = tasks.fail.with_options(max_attempts=2).enqueue()
        run(result)
        run(result)
    finally:
        task_finished.disconnect(hear)

    assert heard == [("READY", 1), ("FAILED", 2)]


@pytest.mark.django_db(transaction=True)
def test_worker_runs_functions_and_coroutines_side_by_side(start):
    results = [add.enqueue(n, b=n) for n in range(10) for add in (tasks.add, tasks.add_later)]
    failed = tasks.fail_later.using(backend="once").enqueue()

    worker = start(concurrency=4)
    wait_for(lambda: not OutboxJob.objects.exclude(status__in=["COMPLETED", "FAILED"]).exists())

    for result in (*results, failed):
        result.refresh()
    assert [result.return_value for result in results] == [2 * (n // 2) for n in range(20)]
    assert {name for result in results for name in result.worker_ids} == {worker.worker.name}
    assert [error.exception_class for error in failed.errors] == [LookupError]
