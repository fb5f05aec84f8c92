"""What is no task, and what a backend cannot do."""

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from django_opskit.tasks import InvalidTask, task, task_backends


def test_local_function_is_no_task(adapter):
    def local() -> None: ...

    with pytest.raises(InvalidTask, match="module level"):
        task(local)


@pytest.mark.parametrize("wrong", [len, "jobs.note"], ids=str)
def test_what_is_no_function_is_no_task(adapter, wrong):
    with pytest.raises(InvalidTask, match="module level"):
        task(wrong)


def test_context_needs_an_argument_of_that_name(adapter, jobs):
    with pytest.raises(InvalidTask, match="first argument of 'context'"):
        task(takes_context=True)(jobs.without_context)


@pytest.mark.parametrize("priority", [-101, 101, 1.5])
def test_priority_is_a_whole_number_up_to_a_hundred(adapter, jobs, priority):
    with pytest.raises(InvalidTask, match="priority must be a whole number"):
        jobs.note.using(priority=priority)


@pytest.mark.parametrize("priority", [-100, 100])
def test_priority_may_go_to_the_ends(adapter, jobs, priority):
    assert jobs.note.using(priority=priority).enqueue("a").task.priority == priority


def test_unknown_queue_is_refused(adapter, jobs):
    with pytest.raises(InvalidTask, match="missing"):
        jobs.note.using(queue_name="missing")


def test_backend_without_queues_takes_any(adapter, jobs, settings):
    settings.TASKS = adapter.settings(QUEUES=[])

    assert jobs.note.using(queue_name="other").enqueue("a").task.queue_name == "other"


def test_unknown_backend_is_refused(adapter, jobs):
    with pytest.raises(ImproperlyConfigured):
        jobs.note.using(backend="missing")


def test_moment_needs_a_time_zone(deferred, jobs):
    naive = datetime(2030, 1, 1)  # noqa: DTZ001  # that is what is wrong with it

    with pytest.raises(InvalidTask, match="aware"):
        jobs.note.using(run_after=naive)


def test_flag_for_moments_is_kept_to(adapter, jobs):
    later = timezone.now() + timedelta(days=1)

    if task_backends["default"].supports_defer:
        assert jobs.note.using(run_after=later).run_after == later
    else:
        with pytest.raises(InvalidTask, match="run_after"):
            jobs.note.using(run_after=later)


def test_task_that_is_valid_elsewhere_is_checked_again(adapter, jobs, settings):
    elsewhere = jobs.note.using(queue_name="other")
    settings.TASKS = adapter.settings(QUEUES=["default"])

    with pytest.raises(InvalidTask, match="other"):
        elsewhere.enqueue("a")


def test_backend_that_is_set_up_has_nothing_to_complain_of(adapter):
    assert list(task_backends["default"].check()) == []
