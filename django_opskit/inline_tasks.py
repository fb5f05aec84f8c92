"""
The smallest stand-in for ``django.tasks``: a task runs at once, in its caller.

Used on Django 5.2 without the backport, so that an app may declare tasks and still need nothing
but Django. What apps use of Django's framework has the same names here and behaves as with its
``ImmediateBackend``, down to the failed result instead of a raised exception. There are no
queues, no delays, no stored results.
"""

import inspect
import json
import logging
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from asgiref.sync import async_to_sync, sync_to_async
from django.db.models import TextChoices

logger = logging.getLogger(__name__)

#: There are none to choose from.
task_backends: dict[str, Any] = {}


class InvalidTask(Exception):  # noqa: N818  # Django's name for it
    """The function cannot be such a task; whoever wrote the declaration mends it."""


class TaskResultStatus(TextChoices):
    """Where a task stands."""

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
    errors: list[TaskError] = field(default_factory=list)
    _return_value: Any = None

    @property
    def is_finished(self) -> bool:
        """Return whether the task has ended, well or not."""
        return self.status != TaskResultStatus.RUNNING

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
    """A function that can be enqueued; it runs alike whatever its options are."""

    func: Callable[..., Any]
    priority: int = 0
    queue_name: str = "default"
    backend: str = "default"
    run_after: datetime | None = None
    takes_context: bool = False

    def __post_init__(self) -> None:
        if "<locals>" in self.func.__qualname__:
            raise InvalidTask(f"Task function {self.func!r} must be defined at module level.")
        if self.run_after is not None:
            raise InvalidTask(f"Task {self.name!r} runs at once: it cannot wait for run_after.")

    @property
    def name(self) -> str:
        """Return the function's name."""
        return self.func.__name__

    @property
    def module_path(self) -> str:
        """Return the function's dotted path."""
        return f"{self.func.__module__}.{self.func.__qualname__}"

    def using(self, **options: Any) -> Self:
        """Return a copy with other options; None leaves one as it is."""
        return replace(self, **{key: value for key, value in options.items() if value is not None})

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, also when it is a coroutine function."""
        if inspect.iscoroutinefunction(self.func):
            return async_to_sync(self.func)(*args, **kwargs)
        return self.func(*args, **kwargs)

    def enqueue(self, *args: Any, **kwargs: Any) -> TaskResult:
        """Run the task now and return its result, failed or not; TypeError if JSON lacks a type."""
        args, kwargs = _as_json((args, kwargs))
        result = TaskResult(task=self, args=list(args), kwargs=kwargs)
        context = (TaskContext(result),) if self.takes_context else ()
        try:
            result._return_value = _as_json(self.call(*context, *args, **kwargs))
            result.status = TaskResultStatus.SUCCESSFUL
        except (Exception, SystemExit) as error:
            # Isolated as ImmediateBackend does: the caller reads the result, it does not fail.
            logger.exception("task=%s failed", self.module_path)
            kind = f"{type(error).__module__}.{type(error).__qualname__}"
            result.errors.append(TaskError(kind, traceback.format_exc()))
            result.status = TaskResultStatus.FAILED
        return result

    async def aenqueue(self, *args: Any, **kwargs: Any) -> TaskResult:
        """Run the task now, from async code."""
        return await sync_to_async(self.enqueue, thread_sensitive=True)(*args, **kwargs)


def task(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Turn a module-level function into a :class:`Task`, with or without options."""
    if function is not None:
        return Task(func=function, **options)
    return lambda decorated: Task(func=decorated, **options)


def _as_json(value: Any) -> Any:
    """Return what a queue would hand over: a task that works here must work with any backend."""
    return json.loads(json.dumps(value))
