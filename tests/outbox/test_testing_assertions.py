"""What ``assert_enqueued`` accepts, and what it says when it does not."""

from dataclasses import dataclass

import pytest

from django_outbox.dispatcher import enqueue
from django_outbox.testing import assert_enqueued, assert_not_enqueued, drain, enqueued

pytestmark = pytest.mark.django_db


@dataclass
class Receipt:
    order_id: int


def test_returns_the_jobs_that_fit_whatever_their_status():
    first = enqueue("TEST_JOB", "a", {"n": (1, 2), "m": [3]})
    drain()
    second = enqueue("TEST_JOB", "b", {"n": [1, 2]})

    def found(**asked):
        return [job.pk for job in assert_enqueued("TEST_JOB", **asked)]

    assert found() == found(times=2) == found(queue="default") == [first.pk, second.pk]
    assert found(dedup_key="a") == found(payload={"n": [1, 2], "m": (3,)}) == [first.pk]
    assert found(payload_has={"n": [1, 2]}) == [first.pk, second.pk]
    assert found(payload_has={"m": [3]}, group_key="", times=1) == [first.pk]


def test_none_asks_for_a_job_without_a_key():
    enqueue("TEST_JOB", "a")

    with pytest.raises(AssertionError):
        assert_enqueued("TEST_JOB", dedup_key=None)


def test_failure_shows_what_there_is_the_type_first():
    enqueue("FAIL", "other", {"x": "y" * 500})
    job = enqueue("TEST_JOB", "b", {"order": 2})

    with pytest.raises(AssertionError) as caught:
        assert_enqueued("TEST_JOB", dedup_key="a", payload_has={"order": 1})

    lines = str(caught.value).splitlines()
    assert lines[0] == (
        "No job was enqueued that fits 'TEST_JOB', dedup_key='a', payload_has={'order': 1}. "
        "There are:"
    )
    assert lines[1] == (
        f"  #{job.pk} 'TEST_JOB', dedup_key='b', payload={{'order': 2}}, queue='default': PENDING"
    )
    assert len(lines[2]) < 350


def test_failure_says_how_many_there_were():
    enqueue("TEST_JOB")

    with pytest.raises(AssertionError, match="1 jobs were enqueued that fit .*, and not 2"):
        assert_enqueued("TEST_JOB", times=2)


def test_empty_table_is_called_empty():
    with pytest.raises(AssertionError, match="The table of jobs is empty."):
        assert_enqueued("TEST_JOB")


def test_long_list_is_cut():
    for _ in range(25):
        enqueue("FAIL")

    with pytest.raises(AssertionError, match="… and 5 more"):
        assert_enqueued("TEST_JOB")


def test_opposite_is_an_assertion_too():
    enqueue("TEST_JOB", "a")

    assert_not_enqueued("TEST_JOB", dedup_key="b")
    with pytest.raises(AssertionError, match="and not 0"):
        assert_not_enqueued("TEST_JOB")


def test_payload_is_no_dict_and_has_no_keys():
    enqueue("TEST_JOB", None, [1])

    assert_not_enqueued("TEST_JOB", payload_has={"a": 1})
    assert_enqueued("TEST_JOB", payload=(1,))


def test_payload_may_be_the_object_that_was_enqueued(handle):
    handle("TYPED", lambda job, receipt: None, payload=Receipt)
    enqueue("TYPED", None, Receipt(order_id=7))

    assert_enqueued("TYPED", payload=Receipt(order_id=7))
    assert_not_enqueued("TYPED", payload=Receipt(order_id=8))


def test_list_is_in_order_and_by_type_and_queue(settings):
    settings.OUTBOX = {"QUEUES": {"mail": {}}}
    jobs = [enqueue("TEST_JOB"), enqueue("FAIL", queue="mail"), enqueue("TEST_JOB")]

    assert enqueued() == jobs
    assert enqueued("TEST_JOB") == [jobs[0], jobs[2]]
    assert enqueued(queue="mail") == [jobs[1]]
