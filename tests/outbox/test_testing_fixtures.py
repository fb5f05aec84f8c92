"""The fixtures of ``django_outbox.pytest_plugin``."""

import pytest

from django_outbox.dispatcher import enqueue

pytest_plugins = ["django_outbox.pytest_plugin"]


def test_inline_brings_the_database_and_runs_at_once(outbox_inline):
    enqueue("TEST_JOB", "key")

    (job,) = outbox_inline.assert_enqueued("TEST_JOB", times=1)
    assert job.status == "COMPLETED"


@pytest.mark.django_db(transaction=True)
def test_inline_works_where_transactions_are_committed(outbox_inline):
    enqueue("TEST_JOB", "key")

    assert [job.status for job in outbox_inline.enqueued()] == ["COMPLETED"]


def test_helpers_run_nothing_by_themselves(outbox):
    enqueue("TEST_JOB", "key")

    assert [job.status for job in outbox.enqueued()] == ["PENDING"]
    assert outbox.drain() == 1
    with outbox.faults("TEST_JOB", fail_times=1), outbox.run_inline(raise_errors=False):
        enqueue("TEST_JOB", "key")
    outbox.assert_enqueued("TEST_JOB", dedup_key="key", times=2)
    outbox.assert_not_enqueued("FAIL")
