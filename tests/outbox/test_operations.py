"""What people do with many jobs at once."""

import pytest

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxJob
from django_outbox.services.operations import Rerun, cancel, run_again, run_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids() -> list[int]:
    """Five thousand dead letters."""
    OutboxJob.objects.bulk_create(
        [
            OutboxJob(job_type="TEST_JOB", dedup_key=f"key-{n}", status="FAILED")
            for n in range(5000)
        ],
        batch_size=1000,
    )
    return list(OutboxJob.objects.order_by("pk").values_list("pk", flat=True))


def test_thousands_of_jobs_take_few_statements(ids, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        assert run_again(ids, using="default") == Rerun(waiting=5000)
        assert run_now(ids, using="default") == 5000
        assert cancel(ids, using="default", reason="enough") == 5000


def test_few_twins_among_thousands_are_the_only_ones_that_are_skipped(ids):
    for n in (7, 4990):
        enqueue("TEST_JOB", f"key-{n}")

    outcome = run_again(ids, using="default")

    assert outcome == Rerun(waiting=4998, skipped=2)
    assert OutboxJob.objects.pending().count() == 5000
    assert OutboxJob.objects.get(pk=ids[7]).status == "FAILED"
