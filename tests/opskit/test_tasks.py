"""One import for Tasks, whichever implementation this environment has."""

import subprocess
import sys
from typing import Any

import django
import pytest

from django_opskit import tasks
from django_opskit.tasks import TaskContext, check_tasks, task
from tests.processes import ROOT

# Another Django cannot be installed for one test, so these processes are told that they have one.
PRETEND = """
import sys, django
from django.conf import global_settings, settings

django.VERSION = (5, 2, 0, "final", 0)
vars(global_settings).pop("TASKS", None)
{prepare}
settings.configure({settings})
from django_opskit.tasks import IMPLEMENTATION, Task, check_tasks

print(IMPLEMENTATION, Task.__module__, [message.id for message in check_tasks()])
"""
WITHOUT_BACKPORT = 'sys.modules["django_tasks"] = None'


def pretend(prepare: str, settings: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PRETEND.format(prepare=prepare, settings=settings)],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    ).stdout.strip()


@task
def double(number: int) -> int:
    return 2 * number


@task(takes_context=True)
def attempt(context: "TaskContext[Any, Any]") -> int:
    return context.attempt


@pytest.fixture
def at_once(settings):
    """The immediate backend of the implementation in use, as far as it has backends."""
    backend = f"{tasks.IMPLEMENTATION}.backends.immediate.ImmediateBackend"
    settings.TASKS = {"default": {"BACKEND": backend}}


def test_task_runs_with_what_this_environment_has(at_once):
    result = double.enqueue(21)

    assert isinstance(double, tasks.Task)
    assert isinstance(result, tasks.TaskResult)
    assert (result.return_value, result.status) == (42, tasks.TaskResultStatus.SUCCESSFUL)


def test_task_gets_its_context(at_once):
    assert attempt.enqueue().return_value == 1


def test_function_that_no_worker_could_import_is_refused(at_once):
    def local() -> None: ...

    with pytest.raises(tasks.InvalidTask):
        task(local)


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django has its own Tasks from 6.0 on")
def test_django_with_tasks_of_its_own_is_preferred():
    assert tasks.IMPLEMENTATION == "django.tasks"
    assert check_tasks() == []


def test_backport_is_the_second_choice():
    pytest.importorskip("django_tasks", reason="the backport is not installed here")

    assert pretend("", "TASKS={}") == "django_tasks django_tasks.base []"


def test_tasks_run_inline_where_nothing_is_installed():
    assert pretend(WITHOUT_BACKPORT, "") == "inline django_opskit.inline_tasks []"


def test_setting_that_nothing_reads_is_a_warning():
    found = pretend(WITHOUT_BACKPORT, "TASKS={}")

    assert found == "inline django_opskit.inline_tasks ['django_opskit.W001']"
