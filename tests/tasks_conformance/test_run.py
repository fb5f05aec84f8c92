"""Running: what the task gets, what becomes of its result, and who is told."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_opskit.tasks import task_backends
from django_outbox.services.task_api import task_finished, task_started

DB_KEEPS_JSON_AS_IT_IS = "it gives the value to a JSONField, which takes no bytes"


@pytest.fixture
def run(running):
    """Enqueue a task, let it run, and return its result."""

    def enqueue_and_run(task, *args, **kwargs):
        result = task.enqueue(*args, **kwargs)
        running.run()
        if not running.runs_at_once:
            result.refresh()
        return result

    return enqueue_and_run


@pytest.fixture
def deferred_run(deferred, running):
    """Let what was enqueued run, on a backend that does not do so in enqueue()."""
    return running.run


def test_task_that_returns_is_successful(run, jobs):
    result = run(jobs.note, "a", loud=True)

    assert (str(result.status), result.is_finished) == ("SUCCESSFUL", True)
    assert (result.return_value, result.errors) == ("a!", [])
    assert jobs.DONE == [("a", True)]


def test_result_tells_when_and_by_whom(run, jobs):
    result = run(jobs.note, "a")

    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert result.last_attempted_at == result.started_at
    assert result.attempts == len(result.worker_ids) == 1
    assert 1 <= len(result.worker_ids[0]) <= 64


def test_task_gets_its_arguments_as_json(run, jobs):
    run(jobs.note, (1, {"a": (2,)}), loud=b"yes")

    assert jobs.DONE == [([1, {"a": [2]}], "yes")]


@pytest.mark.parametrize("name", ["fail", "fail_later"])
def test_task_that_raises_has_failed(run, jobs, name):
    result = run(getattr(jobs, name))

    assert (str(result.status), result.is_finished, result.attempts) == ("FAILED", True, 1)
    assert result.finished_at >= result.started_at
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


def test_error_is_told_with_its_traceback(run, jobs):
    (error,) = run(jobs.fail).errors

    assert error.exception_class is LookupError
    assert "in fail" in error.traceback
    assert "LookupError: nothing there" in error.traceback


def test_task_that_leaves_has_failed_and_its_worker_goes_on(run, jobs):
    result = run(jobs.leave)

    assert (str(result.status), result.errors[0].exception_class) == ("FAILED", SystemExit)
    assert str(run(jobs.note, "a").status) == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("kind", "value"),
    [("tuple", [1, ["2"]]), ("none", None), ("nested", {"a": [None, True, 1.5]})],
)
def test_return_value_is_what_json_makes_of_it(run, jobs, kind, value):
    result = run(jobs.give, kind)

    assert (str(result.status), result.return_value) == ("SUCCESSFUL", value)


@pytest.mark.deviates("django-tasks-db", DB_KEEPS_JSON_AS_IT_IS)
def test_bytes_are_returned_as_text(run, jobs):
    assert run(jobs.give, "bytes").return_value == "text"


def test_return_value_that_is_not_json_is_a_failure(run, jobs):
    result = run(jobs.give, "object")

    assert (str(result.status), result.errors[0].exception_class) == ("FAILED", TypeError)


def test_coroutine_runs_to_its_end(run, jobs):
    result = run(jobs.note_later, "a")

    assert (str(result.status), result.return_value, jobs.DONE) == ("SUCCESSFUL", "a", ["a"])


def test_task_gets_its_context_when_it_asks(run, jobs):
    result = run(jobs.describe, "a")

    assert result.return_value == {
        "word": "a",
        "attempt": 1,
        "id": result.id,
        "status": "RUNNING",
        "args": ["a"],
        "name": "describe",
    }


def test_coroutine_gets_its_context_too(run, jobs):
    assert run(jobs.describe_later).return_value == 1


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [("note_later", "SUCCESSFUL", None), ("fail", "FAILED", LookupError)],
)
def test_receivers_hear_of_beginning_and_end(run, jobs, hear, name, status, error):
    started, finished = hear(task_started), hear(task_finished)
    task = getattr(jobs, name)

    result = run(task, *["a"] * (name == "note_later"))

    for told in (*started, *finished):
        del told["sender"]
    assert started == [
        {
            "id": result.id,
            "status": "RUNNING",
            "attempts": 1,
            "is_started": True,
            "is_finished": False,
            "error": None,
        }
    ]
    assert finished == [started[0] | {"status": status, "is_finished": True, "error": error}]


@pytest.mark.deviates("django-tasks-db", "its worker sends the backend in place of its class")
def test_receivers_can_choose_by_the_class_of_the_backend(run, jobs, hear):
    started, finished = hear(task_started), hear(task_finished)

    run(jobs.note, "a")

    assert [told["sender"] for told in (*started, *finished)] == [
        type(task_backends["default"])
    ] * 2


def test_higher_priority_runs_first(deferred_run, jobs):
    assert task_backends["default"].supports_priority
    for priority in (0, -100, 100, 7):
        jobs.other_note.using(priority=priority).enqueue(str(priority))

    deferred_run()

    assert jobs.DONE == ["100", "7", "0", "-100"]


def test_task_of_tomorrow_is_not_run_today(deferred_run, jobs):
    assert task_backends["default"].supports_defer
    now = timezone.now()
    jobs.other_note.using(run_after=now + timedelta(days=1)).enqueue("tomorrow")
    jobs.other_note.using(run_after=now - timedelta(days=1)).enqueue("yesterday")

    deferred_run()

    assert jobs.DONE == ["yesterday"]


def test_each_queue_is_served(deferred_run, jobs):
    jobs.other_note.enqueue("a")
    jobs.other_note.using(queue_name="other").enqueue("b")

    deferred_run()

    assert sorted(jobs.DONE) == ["a", "b"]
