"""
Django's Tasks framework under one import, wherever it comes from.

* Django 6.0 and later: ``django.tasks``.
* Django 5.2 with the ``tasks`` extra: its backport ``django_tasks``.
* Django 5.2 without it: tasks run at once, in the caller (see ``inline_tasks``); a system check
  says so when the site has a ``TASKS`` setting that would be ignored.

Apps write ``from django_opskit.tasks import task`` and nothing else.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning

if TYPE_CHECKING or django.VERSION >= (6, 0):
    from django.tasks import Task, TaskContext, TaskResult, TaskResultStatus, task, task_backends
    from django.tasks.exceptions import InvalidTask

    IMPLEMENTATION = "django.tasks"
elif find_spec("django_tasks"):
    from django_tasks import TaskContext, TaskResult, TaskResultStatus, task, task_backends
    from django_tasks.base import Task
    from django_tasks.exceptions import InvalidTaskError as InvalidTask

    IMPLEMENTATION = "django_tasks"
else:
    from django_opskit.inline_tasks import (
        InvalidTask,
        Task,
        TaskContext,
        TaskResult,
        TaskResultStatus,
        task,
        task_backends,
    )

    IMPLEMENTATION = "inline"

__all__ = [
    "IMPLEMENTATION",
    "InvalidTask",
    "Task",
    "TaskContext",
    "TaskResult",
    "TaskResultStatus",
    "check_tasks",
    "runs_at_once",
    "task",
    "task_backends",
]


def runs_at_once() -> bool:
    """Return whether the site's default backend runs a task in the process that enqueues it."""
    if IMPLEMENTATION == "inline":
        return True
    # By its name: the class has another module in Django's own framework than in the backport.
    return type(task_backends["default"]).__name__ == "ImmediateBackend"


def check_tasks(**_kwargs: object) -> list[CheckMessage]:
    """Warn when ``TASKS`` is set and nothing installed reads it."""
    if IMPLEMENTATION != "inline" or not hasattr(settings, "TASKS"):
        return []
    return [
        CheckWarning(
            "TASKS is set, but this Django has no Tasks framework: tasks run at once, in the "
            "process that enqueues them.",
            hint="Install django-opskit[tasks] (the backport for Django 5.2), or Django 6.0.",
            id="django_opskit.W001",
        )
    ]
