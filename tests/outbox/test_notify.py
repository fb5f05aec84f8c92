"""What PostgreSQL tells idle workers: which queue has work, when it can be seen."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction

from django_outbox.backends.wakeup import CHANNEL, wake_up
from django_outbox.dispatcher import JobSpec, enqueue, enqueue_many
from django_outbox.models import OutboxJob
from django_outbox.services.operations import run_again, run_now

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


class Listener:
    def __init__(self) -> None:
        import psycopg  # where there is no PostgreSQL, there may be no driver

        to = connection.settings_dict
        self.connection = psycopg.connect(
            host=to["HOST"],
            port=to["PORT"],
            user=to["USER"],
            password=to["PASSWORD"],
            dbname=to["NAME"],
            autocommit=True,
        )
        self.connection.execute(f"LISTEN {CHANNEL}")

    def heard(self) -> list[str]:
        """Return the queues that were named since the last call."""
        # A notice of our own comes after all that were committed before it.
        wake_up(["that is all"], using="default")
        queues: list[str] = []
        for notice in self.connection.notifies(timeout=10):
            if notice.payload == "that is all":
                return sorted(queues)
            queues.append(notice.payload)
        raise AssertionError("the listener did not hear its own notice")


@pytest.fixture
def listener(settings) -> Iterator[Listener]:
    settings.OUTBOX = {"QUEUES": {"mail": {}}}
    one = Listener()
    yield one
    one.connection.close()


def test_commit_tells_the_queue_once(listener):
    with transaction.atomic():
        enqueue("TEST_JOB")
        enqueue("TEST_JOB", "k", queue="mail")
        enqueue("TEST_JOB", "k2", queue="mail", dedup_window=timedelta(hours=1))
        before = listener_is_silent(listener)

    assert before
    assert listener.heard() == ["default", "mail"]


def listener_is_silent(listener: Listener) -> bool:
    return list(listener.connection.notifies(timeout=0)) == []


def test_rollback_tells_nothing(listener):
    with pytest.raises(RuntimeError), transaction.atomic():
        enqueue("TEST_JOB")
        raise RuntimeError

    assert listener.heard() == []


def test_job_for_later_tells_nothing(listener):
    enqueue("TEST_JOB", run_after=timedelta(hours=1))

    assert listener.heard() == []


@pytest.mark.parametrize("on_duplicate", ["return", "replace"])
def test_met_twin_tells_again(listener, on_duplicate):
    """Until the commit it is locked, and a worker that looked meanwhile saw nothing."""
    enqueue("TEST_JOB", "k")
    listener.heard()

    enqueue("TEST_JOB", "k", on_duplicate=on_duplicate)

    assert listener.heard() == ["default"]


def test_many_jobs_tell_each_queue_once(listener):
    enqueue_many([JobSpec("TEST_JOB", queue=name) for name in ("mail", "default") * 3000])

    assert listener.heard() == ["default", "mail"]


def test_jobs_that_are_made_due_by_hand_tell(listener):
    later = enqueue("TEST_JOB", run_after=timedelta(hours=1))
    done = enqueue("TEST_JOB", queue="mail", run_after=timedelta(hours=1))
    OutboxJob.objects.filter(pk=done.pk).update(status="FAILED")

    assert listener.heard() == []
    run_now([later.pk], using="default")
    assert listener.heard() == ["default"]
    run_again([done.pk], using="default")
    assert listener.heard() == ["mail"]


def test_site_may_do_without(listener, settings):
    settings.OUTBOX = {"WAKE_UP": False}

    job = enqueue("TEST_JOB", "k")
    enqueue("TEST_JOB", "k", on_duplicate="replace")
    enqueue_many([JobSpec("TEST_JOB")])
    run_now([job.pk], using="default")

    assert listener.heard() == []
