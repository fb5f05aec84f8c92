"""Enqueueing: what comes back, and who is told."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from django_opskit.tasks import task_backends
from django_outbox.services.task_api import task_enqueued


def enqueue(task, *args, **kwargs):
    return task.enqueue(*args, **kwargs)


def aenqueue(task, *args, **kwargs):
    return async_to_sync(task.aenqueue)(*args, **kwargs)


BOTH = pytest.mark.parametrize("enqueue", [enqueue, aenqueue])


@BOTH
def test_result_has_what_was_enqueued(adapter, jobs, enqueue):
    result = enqueue(jobs.note, "a", loud=True)

    assert (result.task, result.args, result.kwargs) == (jobs.note, ["a"], {"loud": True})
    assert result.backend == "default"
    assert timezone.is_aware(result.enqueued_at)


@BOTH
def test_enqueued_task_is_ready_and_nothing_else(deferred, jobs, enqueue):
    result = enqueue(jobs.note, "a")

    assert (str(result.status), result.is_finished, result.attempts) == ("READY", False, 0)
    assert (result.started_at, result.finished_at, result.last_attempted_at) == (None,) * 3
    assert (result.errors, result.worker_ids, jobs.DONE) == ([], [], [])
    with pytest.raises(ValueError, match="Task has not finished yet"):
        _ = result.return_value


def test_each_result_has_an_id_of_its_own(adapter, jobs):
    ids = [jobs.note.enqueue("a").id for _ in range(3)]

    assert len(set(ids)) == 3
    assert all(isinstance(one, str) and 1 <= len(one) <= 64 for one in ids)


def test_arguments_become_json(adapter, jobs):
    result = jobs.note.enqueue((1, {"a": (2,)}), loud=b"yes")

    assert (result.args, result.kwargs) == ([[1, {"a": [2]}]], {"loud": "yes"})


@BOTH
@pytest.mark.parametrize(
    "wrong",
    [object(), {1, 2}, timezone.now(), [object()]],
    ids=["object", "set", "moment", "list"],
)
def test_argument_that_is_not_json_is_refused(adapter, jobs, hear, enqueue, wrong):
    heard = hear(task_enqueued)

    with pytest.raises(TypeError):
        enqueue(jobs.note, wrong)

    assert (heard, jobs.DONE) == ([], [])


@BOTH
def test_receivers_are_told_once(adapter, jobs, hear, enqueue):
    heard = hear(task_enqueued)

    result = enqueue(jobs.note, "a")

    (told,) = heard
    assert (told["sender"], told["id"]) == (type(task_backends["default"]), result.id)
    assert told["status"] == "READY"


def test_receiver_that_raises_reaches_the_caller(adapter, jobs):
    def refuse(**kwargs):
        raise LookupError("not today")

    task_enqueued.connect(refuse)
    try:
        with pytest.raises(LookupError, match="not today"):
            jobs.note.enqueue("a")
    finally:
        task_enqueued.disconnect(refuse)


def test_coroutine_can_be_enqueued_by_those_who_say_so(adapter, jobs):
    assert task_backends["default"].supports_async_task

    assert jobs.note_later.enqueue("a").task == jobs.note_later


def test_using_changes_a_copy(adapter, jobs):
    changed = jobs.note.using(queue_name="other", priority=5)

    result = changed.enqueue("a")

    assert (result.task.queue_name, result.task.priority) == ("other", 5)
    assert (jobs.note.queue_name, jobs.note.priority) == ("default", 0)


def test_moment_is_kept_by_those_who_can_wait(deferred, jobs):
    tomorrow = timezone.now() + timedelta(days=1)

    result = jobs.note.using(run_after=tomorrow).enqueue("a")

    assert (result.task.run_after, str(result.status)) == (tomorrow, "READY")


def test_result_of_enqueue_is_a_picture_of_that_moment(deferred, running, jobs):
    result = jobs.note.enqueue("a")

    deferred.run()

    assert str(result.status) == "READY"
