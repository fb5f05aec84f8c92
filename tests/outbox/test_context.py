"""What a handler may ask and tell while it runs, and how it hears that its lease is lost."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from django_outbox.dispatcher import enqueue, run_once
from django_outbox.exceptions import OutboxError
from django_outbox.handlers import LeaseLost, current_job, ensure_lease, set_progress
from django_outbox.models import Inbox, OutboxAttempt, OutboxJob
from django_outbox.services.threads import HandlerThreads
from tests.outbox.running import in_thread, statuses, wait_for
from tests.outbox.test_dedup import claim
from tests.outbox.test_rough_handlers import lose_the_lease

pytestmark = pytest.mark.django_db(transaction=True)


class Losing:
    """A worker whose one job loses its lease in the middle of the handler."""

    def __init__(self, start, handle, react, **options):
        self.began, self.lost = threading.Event(), threading.Event()
        self.raised = []

        def work(job):
            self.began.set()
            assert self.lost.wait(30)
            try:
                react(job)
            except LeaseLost as error:
                self.raised.append(error)
                raise

        handle("WORK", work, **options)
        job = enqueue("WORK")
        self.running = start(concurrency=1)
        assert self.began.wait(30)
        job.refresh_from_db()
        self.running.worker._threads.lose([(job.pk, job.claim_no)])
        self.lost.set()
        wait_for(OutboxAttempt.objects.exists)


def test_job_is_known_where_its_handler_runs(handle):
    seen = []
    handle("WORK", lambda job: seen.append(current_job() is job))
    enqueue("WORK")

    run_once()

    assert seen == [True]


@pytest.mark.parametrize("ask", [current_job, ensure_lease, lambda: set_progress(1)])
def test_asking_outside_of_a_handler_says_what_is_wrong(ask):
    with pytest.raises(OutboxError, match="No outbox job runs here"):
        ask()


def test_threads_of_the_handlers_own_do_not_know_the_job(handle):
    def work(job):
        with ThreadPoolExecutor() as pool:
            pool.submit(ensure_lease).result()

    handle("WORK", work)
    enqueue("WORK", max_attempts=1)

    run_once()

    assert "copy_context" in OutboxJob.objects.get(status="FAILED").last_error


def test_progress_is_seen_while_the_handler_runs(start, handle):
    told, seen = threading.Event(), threading.Event()

    def work(job):
        set_progress(3, 10, "reading \x00\ud800" + "x" * 600)
        told.set()
        assert seen.wait(30)

    handle("WORK", work)
    job = enqueue("WORK")
    start()
    assert told.wait(30)

    job.refresh_from_db()

    seen.set()
    assert (job.progress["done"], job.progress["total"]) == (3, 10)
    assert job.progress["note"].startswith("reading \\ud800x")


def test_progress_of_an_atomic_handler_is_seen_with_its_end(start, handle):
    told, seen = threading.Event(), threading.Event()

    def work(job):
        set_progress(1)
        told.set()
        assert seen.wait(30)

    handle("WORK", work, atomic=True)
    job = enqueue("WORK")
    running = start(drain=True)
    assert told.wait(30)
    job.refresh_from_db()
    during = job.progress
    seen.set()
    running.join()

    job.refresh_from_db()
    assert during is None
    assert job.progress == {"done": 1, "total": None, "note": ""}


def test_progress_of_a_job_that_another_worker_took_is_refused(handle):
    after = []

    def work(job):
        in_thread(lambda: lose_the_lease(job)).join()
        try:
            set_progress(1)
        except LeaseLost:
            # Known from now on: no statement is needed to find out.
            with pytest.raises(LeaseLost):
                ensure_lease()
            after.append(True)
            raise

    handle("WORK", work)
    job = enqueue("WORK")

    run_once()

    job.refresh_from_db()
    assert after == [True]
    assert (job.worker, job.progress) == ("another", None)


@pytest.mark.parametrize(
    "react",
    [
        lambda job: ensure_lease(),
        lambda job: set_progress(1),
        lambda job: OutboxJob.objects.count(),
        lambda job: Inbox.objects.create(message_id="x"),
    ],
    ids=["ensure_lease", "set_progress", "read", "write"],
)
def test_handler_hears_that_its_lease_is_lost(start, handle, react):
    losing = Losing(start, handle, react)

    assert len(losing.raised) == 1
    assert OutboxAttempt.objects.get().error_type == "django_outbox.exceptions.LeaseLost"
    assert not Inbox.objects.exists()


@pytest.mark.parametrize("where", ["worker", "pass"])
def test_heartbeat_tells_the_handler_of_a_job_that_another_worker_took(
    start, handle, settings, where
):
    settings.OUTBOX = {"HEARTBEAT_SECONDS": 0.05}
    raised = []

    def work(job):
        in_thread(lambda: lose_the_lease(job)).join()
        try:
            wait_for(ensure_lease)
        except LeaseLost as error:
            raised.append(error)
            raise

    handle("WORK", work)
    job = enqueue("WORK")

    if where == "pass":
        run_once()
    else:
        running = start()
        wait_for(lambda: raised)
        running.stop()

    job.refresh_from_db()
    assert len(raised) == 1
    assert (job.worker, job.last_error) == ("another", "")


def test_transaction_of_a_handler_that_lost_its_lease_is_rolled_back(start, handle):
    """The statement that rolls back a savepoint has to be let through."""

    def react(job):
        with transaction.atomic(), transaction.atomic():
            OutboxJob.objects.count()

    losing = Losing(start, handle, react)

    assert len(losing.raised) == 1


def test_atomic_handler_that_lost_its_lease_is_not_completed(start, handle):
    """It says nothing to the database itself: its completion is what is refused."""
    Losing(start, handle, lambda job: None, atomic=True)

    assert OutboxJob.objects.get().status == "PENDING"
    assert OutboxAttempt.objects.get().error_type == "django_outbox.exceptions.LeaseLost"


def test_next_job_of_the_thread_is_not_concerned(start, handle):
    losing = Losing(start, handle, lambda job: ensure_lease())
    enqueue("ASK_DATABASE")

    wait_for(lambda: statuses().get("COMPLETED") == 1)
    losing.running.stop()


def test_job_that_was_lost_before_it_began_is_not_begun(handle):
    begun = []
    handle("WORK", begun.append)
    enqueue("WORK")
    enqueue("TEST_JOB")
    lost, other = claim()
    told = []
    threads = HandlerThreads(1, using="default", on_results=told.append)

    threads.submit([lost, other])
    threads.lose([(lost.pk, lost.claim_no)])
    threads.start()
    threads.end()
    threads.join(30)
    results = threads.take_results()

    assert begun == []
    assert told
    assert [type(result.error) for result in results] == [LeaseLost, type(None)]


def test_pass_leaves_the_callers_connection_as_it_was(handle):
    before = list(connection.execute_wrappers)
    handle("WORK", lambda job: None)
    enqueue("WORK")

    run_once()

    assert connection.execute_wrappers == before
    assert OutboxJob.objects.get().status == "COMPLETED"
