"""The helpers for a site's own tests, in a test's transaction and without one."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import TestCase

from django_outbox.dispatcher import enqueue
from django_outbox.models import OutboxAttempt, OutboxJob
from django_outbox.services.enqueueing import JobSpec, enqueue_many
from django_outbox.testing import (
    JobFailed,
    assert_enqueued,
    drain,
    faults,
    run_inline,
)

both_kinds = pytest.mark.parametrize(
    "kind",
    [
        pytest.param("in a transaction", marks=pytest.mark.django_db),
        pytest.param("committing", marks=pytest.mark.django_db(transaction=True)),
    ],
)

in_transaction = pytest.mark.django_db


@pytest.fixture
def seen(handle):
    """What the job type SEEN was run with, in order."""
    payloads = []
    handle("SEEN", lambda job: payloads.append(job.payload))
    return payloads


@both_kinds
class TestInline:
    def test_job_runs_when_the_outermost_atomic_ends(self, kind, seen):
        with run_inline():
            with transaction.atomic():
                with transaction.atomic():
                    enqueue("SEEN", None, "a")
                enqueue("SEEN", None, "b")
                within = list(seen)
            after = list(seen)

        assert (within, after) == ([], ["a", "b"])

    def test_job_outside_of_a_transaction_runs_inside_enqueue(self, kind, seen):
        with run_inline():
            enqueue("SEEN", None, "a")
            after = list(seen)

        assert after == seen == ["a"]

    def test_job_that_is_rolled_back_never_runs(self, kind, seen):
        with run_inline():
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                enqueue("SEEN", None, "undone")
                raise ZeroDivisionError
            with transaction.atomic():
                User.objects.create(username="later")
            enqueue("SEEN", None, "kept")

        assert seen == ["kept"]

    def test_inner_rollback_undoes_only_its_own_jobs(self, kind, seen):
        with run_inline(), transaction.atomic():
            enqueue("SEEN", None, "kept")
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                enqueue("SEEN", None, "undone")
                raise ZeroDivisionError

        assert seen == ["kept"]

    def test_handler_sees_what_the_transaction_wrote(self, kind, handle):
        names = []
        handle("LOOK", lambda job: names.extend(User.objects.values_list("username", flat=True)))

        with run_inline(), transaction.atomic():
            enqueue("LOOK")
            User.objects.create(username="ada")

        assert names == ["ada"]

    def test_jobs_of_handlers_and_many_at_once_run_too(self, kind, seen, handle):
        handle("PARENT", lambda job: enqueue("SEEN", None, "child"))

        with run_inline():
            enqueue("PARENT")
            enqueue_many([JobSpec("SEEN", None, n) for n in range(3)])
            after = list(seen)

        assert after == ["child", 0, 1, 2]

    def test_error_of_a_job_comes_out_where_it_was_committed(self, kind):
        with (
            run_inline(),
            pytest.raises(JobFailed, match="no luck") as caught,
            transaction.atomic(),
        ):
            enqueue("FAIL")

        assert isinstance(caught.value.__cause__, ValueError)
        assert OutboxJob.objects.get().status == "PENDING"
        assert OutboxAttempt.objects.get().attempt == 1

    def test_errors_may_be_left_to_the_job(self, kind):
        with run_inline(raise_errors=False):
            enqueue("FAIL")

        assert "no luck" in OutboxJob.objects.get().last_error

    def test_job_for_later_waits_unless_asked_for(self, kind, seen):
        with run_inline():
            enqueue("SEEN", None, "later", run_after=timedelta(days=1))
        assert seen == []

        with run_inline(include_later=True):
            enqueue("SEEN", None, "now")
        assert seen == ["now", "later"]

    def test_block_that_fails_runs_nothing_more(self, kind, seen):
        with pytest.raises(ZeroDivisionError), run_inline(), transaction.atomic():
            enqueue("SEEN")
            raise ZeroDivisionError

        assert seen == []

    def test_after_the_block_jobs_wait_again(self, kind, seen):
        with run_inline():
            pass
        enqueue("SEEN")

        assert seen == []
        assert OutboxJob.objects.get().status == "PENDING"


@in_transaction
def test_transaction_around_the_block_does_not_count(seen):
    with transaction.atomic(), run_inline():
        enqueue("SEEN", None, "a")
        assert seen == ["a"]


@pytest.mark.django_db(transaction=True)
def test_other_threads_are_not_run_inline(seen):
    def elsewhere():
        enqueue("SEEN")
        connections.close_all()

    with run_inline():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()

    assert seen == []


class RunInlineInTestCase(TestCase):
    def test_job_runs_within_the_transaction_of_a_test_case(self):
        with run_inline(), transaction.atomic(durable=True):
            enqueue("TEST_JOB", "key")

        assert OutboxJob.objects.get().status == "COMPLETED"
        assert_enqueued("TEST_JOB", dedup_key="key")


@both_kinds
class TestDrain:
    def test_runs_what_is_due_and_what_that_enqueues(self, kind, seen, handle):
        handle("PARENT", lambda job: enqueue("SEEN", None, "child"))
        enqueue("PARENT")
        enqueue("SEEN", None, "later", run_after=timedelta(hours=1))

        assert drain() == 2
        assert seen == ["child"]

    def test_later_jobs_run_in_the_order_of_their_time(self, kind, seen):
        enqueue("SEEN", None, "tomorrow", run_after=timedelta(days=1))
        enqueue("SEEN", None, "tonight", run_after=timedelta(hours=9))
        enqueue("SEEN", None, "now")

        assert drain(include_later=True) == 3
        assert seen == ["now", "tonight", "tomorrow"]

    def test_raises_the_first_error_with_its_cause(self, kind, seen):
        job = enqueue("FAIL", "my-key", priority=1)
        enqueue("SEEN")

        with pytest.raises(JobFailed, match=r"Attempt 1 of FAIL #\d+ \(dedup_key='my-key'\)") as e:
            drain()

        job.refresh_from_db()
        assert isinstance(e.value.__cause__, ValueError)
        assert "no luck" in job.last_error
        assert seen == []

    def test_errors_may_be_left_to_the_job(self, kind, seen):
        job = enqueue("FAIL", priority=1, max_attempts=3)
        enqueue("SEEN", None, "next")

        assert drain(raise_errors=False, include_later=True) == 4
        job.refresh_from_db()
        assert (job.status, job.attempts, seen) == ("FAILED", 3, ["next"])

    def test_lanes_keep_their_order(self, kind, seen, settings):
        settings.OUTBOX = {"QUEUES": {"default": {"LANES": True}}}
        for n in range(3):
            later = timedelta(hours=1) if n == 1 else None
            enqueue("SEEN", None, n, group_key="g", run_after=later)

        assert (drain(), seen) == (1, [0])
        assert (drain(include_later=True), seen) == (2, [0, 1, 2])

    def test_other_queues_are_left_alone(self, kind, seen, settings):
        settings.OUTBOX = {"QUEUES": {"mail": {}}}
        enqueue("SEEN", None, "default")
        enqueue("SEEN", None, "mail", queue="mail")

        assert drain(queues=["mail"], include_later=True) == 1
        assert seen == ["mail"]


@in_transaction
def test_endless_chain_is_stopped(handle):
    handle("AGAIN", lambda job: enqueue("AGAIN"))
    enqueue("AGAIN")

    with pytest.raises(AssertionError, match="due after 5 jobs were run") as caught:
        drain(max_jobs=5)

    assert not isinstance(caught.value, JobFailed)
    assert OutboxJob.objects.pending().get().attempts == 0


@in_transaction
def test_exactly_as_many_jobs_as_allowed_are_fine(seen):
    for _ in range(3):
        enqueue("SEEN")

    assert drain(max_jobs=3) == 3


@in_transaction
def test_less_than_one_job_is_refused():
    with pytest.raises(ValueError, match="max_jobs must be 1 or more, got 0"):
        drain(max_jobs=0)


@in_transaction
def test_snoozed_job_is_no_failure(handle):
    from django_outbox.exceptions import Snooze

    def snooze(job):
        raise Snooze(60)

    handle("SNOOZE", snooze)
    enqueue("SNOOZE")

    assert drain() == 1


@in_transaction
def test_ctrl_c_stops_the_test(handle):
    def interrupt(job):
        raise KeyboardInterrupt

    handle("INTERRUPT", interrupt)
    enqueue("INTERRUPT")

    with pytest.raises(KeyboardInterrupt):
        drain(raise_errors=False)


@both_kinds
class TestFaults:
    @pytest.fixture
    def plain(self, handle):
        handle("EFFECT", lambda job: User.objects.create(username=f"u{User.objects.count()}"))

    @pytest.fixture
    def atomic(self, handle):
        handle(
            "EFFECT",
            lambda job: User.objects.create(username=f"u{User.objects.count()}"),
            atomic=True,
        )

    def test_failed_attempts_do_not_reach_the_handler(self, kind, seen):
        job = enqueue("SEEN", None, "x")

        with faults("SEEN", fail_times=2) as injected:
            assert drain() == 1
            assert drain(include_later=True) == 2

        job.refresh_from_db()
        assert (seen, job.status, job.attempts) == (["x"], "COMPLETED", 3)
        assert injected.happened == ["fail_times"] * 2
        assert OutboxAttempt.objects.filter(error_type__endswith="InjectedFault").count() == 2

    def test_crash_before_the_effect_runs_the_job_again(self, kind, seen):
        job = enqueue("SEEN", None, "x")

        with faults(crash_before_effect=1):
            assert drain() == 2

        job.refresh_from_db()
        assert (seen, job.status, job.attempts) == (["x"], "COMPLETED", 2)

    def test_crash_after_the_effect_doubles_it(self, kind, plain):
        job = enqueue("EFFECT")

        with faults("EFFECT", crash_after_effect=1):
            assert drain() == 2

        job.refresh_from_db()
        assert (User.objects.count(), job.status, job.attempts) == (2, "COMPLETED", 2)

    def test_crash_of_an_atomic_handler_leaves_one_effect(self, kind, atomic):
        job = enqueue("EFFECT")

        with faults("EFFECT", crash_after_effect=1):
            assert drain() == 2

        job.refresh_from_db()
        assert (User.objects.count(), job.status, job.attempts) == (1, "COMPLETED", 2)

    def test_lost_lease_doubles_the_effect(self, kind, plain):
        job = enqueue("EFFECT")

        with faults("EFFECT", lose_lease=1):
            assert drain() == 2

        job.refresh_from_db()
        assert (User.objects.count(), job.status) == (2, "COMPLETED")

    def test_lost_lease_of_an_atomic_handler_leaves_one_effect(self, kind, atomic):
        job = enqueue("EFFECT")

        with faults("EFFECT", lose_lease=1):
            assert drain() == 2

        job.refresh_from_db()
        assert (User.objects.count(), job.status) == (1, "COMPLETED")

    @pytest.mark.parametrize(
        ("job_type", "error"), [("FAIL", "no luck"), ("NOBODY", "No handler is registered")]
    )
    def test_error_is_raised_although_a_crash_was_to_follow(self, kind, job_type, error):
        enqueue(job_type)

        with faults(crash_after_effect=1), pytest.raises(JobFailed, match=error):
            drain()

    def test_crashes_use_up_the_attempts(self, kind, seen):
        job = enqueue("SEEN", max_attempts=2)

        with faults(crash_before_effect=9):
            drain()

        job.refresh_from_db()
        assert (seen, job.status) == ([], "FAILED")
        assert "gave no sign of life" in job.last_error

    def test_faults_happen_one_after_the_other_and_inline_too(self, kind, seen):
        with (
            faults("SEEN", crash_after_effect=1, lose_lease=1, crash_before_effect=1) as injected,
            run_inline(),
        ):
            enqueue("SEEN", None, "x")

        assert injected.happened == ["crash_before_effect", "crash_after_effect", "lose_lease"]
        assert seen == ["x"] * 3

    def test_other_types_and_later_jobs_are_spared(self, kind, seen):
        with faults("EFFECT", fail_times=5), faults(slow_seconds=0.01):
            enqueue("SEEN")
            drain()
        with faults(fail_times=5):
            pass
        enqueue("SEEN")
        drain()

        assert len(seen) == 2
