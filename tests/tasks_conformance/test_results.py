"""Results: from any place, by their id alone."""

import threading

import pytest
from asgiref.sync import async_to_sync
from django.db import connections

from django_opskit.tasks import task_backends
from django_outbox.services.task_api import TaskResultDoesNotExist

NOBODYS_UUID = "fd800ad6-b013-4f9a-ad73-7718a37e8a7a"
GARBAGE = ["", "garbage", "0", "-1", "1.5", "1_0", " 1", "٣", "\x00", "9" * 19, "9" * 64, "1e3"]


@pytest.fixture
def backend(deferred):
    """A backend that gives results out, be it to this thread alone."""
    return task_backends["default"]


def get(source, result_id):
    return source.get_result(result_id)


def aget(source, result_id):
    return async_to_sync(source.aget_result)(result_id)


BOTH = pytest.mark.parametrize("get", [get, aget])


@BOTH
def test_result_is_found_by_its_id(backend, jobs, get):
    result = jobs.note.enqueue("a", loud=True)

    found = get(backend, result.id)

    assert found == result
    assert get(jobs.note, result.id) == result


@BOTH
def test_task_is_found_with_its_options(backend, jobs, get):
    changed = jobs.note.using(queue_name="other", priority=-7)

    found = get(backend, changed.enqueue("a").id)

    assert found.task == changed


@BOTH
@pytest.mark.parametrize("wrong", [*GARBAGE, NOBODYS_UUID, NOBODYS_UUID.replace("-", "")])
def test_unknown_id_has_no_result(backend, get, wrong):
    with pytest.raises(TaskResultDoesNotExist):
        get(backend, wrong)


@BOTH
def test_result_of_another_task_is_a_mismatch(backend, jobs, get):
    result = jobs.note.enqueue("a")

    # Its class has one name everywhere, and another module on each implementation.
    with pytest.raises(Exception, match=r"Task does not match .*jobs\.note") as raised:
        get(jobs.other_note, result.id)

    assert type(raised.value).__name__ == "TaskResultMismatch"


@pytest.mark.parametrize("how", ["refresh", "arefresh"])
def test_refresh_brings_the_result_up_to_date(backend, running, jobs, how):
    result = jobs.note.enqueue("a")
    running.run()

    if how == "refresh":
        result.refresh()
    else:
        async_to_sync(result.arefresh)()

    assert (str(result.status), result.return_value, result.attempts) == ("SUCCESSFUL", "a", 1)
    assert result.enqueued_at <= result.started_at <= result.finished_at


@pytest.mark.django_db(transaction=True)
def test_result_is_found_in_another_thread(shared_results, jobs):
    result = jobs.note.enqueue("a")
    found = []

    def look() -> None:
        found.append(task_backends["default"].get_result(result.id))
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()

    assert found == [result]


def test_backend_without_results_says_so(at_once):
    with pytest.raises(NotImplementedError):
        task_backends["default"].get_result("1")


def test_flag_for_results_is_honest(adapter):
    assert task_backends["default"].supports_get_result is adapter.shares_results
