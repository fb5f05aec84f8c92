"""
The smallest stand-in for ``django.tasks``: a task runs at once, in its caller.

Used on Django 5.2 without the backport, so that an app may declare tasks and still need nothing
but Django. Same names and the same behaviour as Django's ``ImmediateBackend``, down to the
failed result instead of a raised exception; no queues, no delays, no stored results.
"""

import asyncio
import inspect
import logging
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db.models import TextChoices
from django.utils import timezone

logger = logging.getLogger(__name__)


class InvalidTask(Exception):
    """The function cannot be a task; whoever wrote the decorator mends it."""


class TaskResultStatus(TextChoices):
    """Where a task stands; inline tasks are only ever finished."""

    READY = "READY"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    SUCCESSFUL = "SUCCESSFUL"


@dataclass(frozen=True)
class TaskError:
    """Why a task failed."""

    exception_class_path: str
    traceback: str


@dataclass
class TaskResult:
    """What came of one call."""

    task: "Task"
    args: list[Any]
    kwargs: dict[str, Any]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: TaskResultStatus = TaskResultStatus.RUNNING
    enqueued_at: datetime = field(default_factory=timezone.now)
    finished_at: datetime | None = None
    errors: list[TaskError] = field(default_factory=list)
    attempts: int = 1
    _return_value: Any = None

    @property
    def is_finished(self) -> bool:
        """Return whether the task has ended, well or not."""
        return self.status in (TaskResultStatus.SUCCESSFUL, TaskResultStatus.FAILED)

    @property
    def return_value(self) -> Any:
        """Return what the function returned; ValueError unless it succeeded."""
        if self.status != TaskResultStatus.SUCCESSFUL:
            raise ValueError(f"Task {self.task.name!r} has not succeeded: it is {self.status}.")
        return self._return_value


@dataclass(frozen=True)
class TaskContext:
    """First argument of a task declared with ``takes_context=True``."""

    task_result: TaskResult
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class Task:
    """A function that can be enqueued."""

    func: Callable[..., Any]
    priority: int = 0
    queue_name: str = "default"
    backend: str = "default"
    run_after: datetime | None = None
    takes_context: bool = False

    def __post_init__(self) -> None:
        if "<locals>" in self.func.__qualname__ or "<lambda>" in self.func.__qualname__:
            raise InvalidTask(f"Task function {self.func!r} must be defined at module level.")

    @property
    def name(self) -> str:
        """Return the function's name."""
        return self.func.__name__

    @property
    def module_path(self) -> str:
        """Return the function's dotted path."""
        return f"{self.func.__module__}.{self.func.__qualname__}"

    def using(self, **options: Any) -> "Task":
        """Return a copy with other options; none of them changes when an inline task runs."""
        given = {name: value for name, value in options.items() if value is not None}
        return replace(self, **given)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, also when it is a coroutine function."""
        if inspect.iscoroutinefunction(self.func):
            return async_to_sync(self.func)(*args, **kwargs)
        return self.func(*args, **kwargs)

    def enqueue(self, *args: Any, **kwargs: Any) -> TaskResult:
        """Run the task now and return its result, failed or not."""
        result = TaskResult(task=self, args=list(args), kwargs=kwargs)
        context = (TaskContext(result),) if self.takes_context else ()
        try:
            result._return_value = self.call(*context, *args, **kwargs)
            result.status = TaskResultStatus.SUCCESSFUL
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            # Isolated like ImmediateBackend does: the caller reads the result, it does not fail.
            logger.exception("task=%s failed", self.module_path)
            kind = type(error)
            result.errors.append(
                TaskError(f"{kind.__module__}.{kind.__qualname__}", traceback.format_exc())
            )
            result.status = TaskResultStatus.FAILED
        result.finished_at = timezone.now()
        return result

    async def aenqueue(self, *args: Any, **kwargs: Any) -> TaskResult:
        """Run the task now, from async code."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)(*args, **kwargs)


def task(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Turn a module-level function into a :class:`Task`, with or without options."""
    if function is not None:
        return Task(func=function)
    return lambda decorated: Task(func=decorated, **options)


class _NoBackends:
    """``task_backends`` where there are none to choose from."""

    def __getitem__(self, alias: str) -> Any:
        raise InvalidTask(
            f"There is no task backend {alias!r}: install django-opskit[tasks] or Django 6.0."
        )


task_backends = _NoBackends()
