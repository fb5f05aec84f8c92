"""The names of Django's Tasks that a backend needs, wherever they come from."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from django_opskit.tasks import IMPLEMENTATION

if TYPE_CHECKING or IMPLEMENTATION == "django.tasks":
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.base import Task, TaskContext, TaskError, TaskResult, TaskResultStatus
    from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist
    from django.tasks.signals import task_enqueued, task_finished, task_started
    from django.utils.json import normalize_json
elif IMPLEMENTATION == "django_tasks":
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.base import Task, TaskContext, TaskError, TaskResult, TaskResultStatus
    from django_tasks.exceptions import InvalidTaskError as InvalidTask
    from django_tasks.exceptions import TaskResultDoesNotExist
    from django_tasks.signals import task_enqueued, task_finished, task_started
    from django_tasks.utils import normalize_json
else:
    raise ImproperlyConfigured(
        "OutboxBackend needs a Tasks framework, and this Django has none. Install "
        "django-opskit[tasks] (the backport for Django 5.2), or Django 6.0."
    )

# The stubs' types have parameters that some implementations at run time do not have.
if TYPE_CHECKING:
    AnyTask = Task[..., Any]
    AnyTaskResult = TaskResult[..., Any]
else:
    AnyTask, AnyTaskResult = Task, TaskResult

__all__ = [
    "AnyTask",
    "AnyTaskResult",
    "BaseTaskBackend",
    "InvalidTask",
    "Task",
    "TaskContext",
    "TaskError",
    "TaskResultDoesNotExist",
    "TaskResultStatus",
    "normalize_json",
    "task_enqueued",
    "task_finished",
    "task_started",
]
