"""
The outbox as a backend of Django's Tasks.

::

    TASKS = {"default": {"BACKEND": "django_outbox.tasks.OutboxBackend"}}

A task is a job like any other: ``worker_run`` runs it, in the queue that the task names.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError

from django_opskit.conf import SettingsModel
from django_outbox.conf import OutboxSettings, get_conf
from django_outbox.exceptions import UnknownJobTypeError
from django_outbox.services.task_api import (
    AnyTask,
    BaseTaskBackend,
    InvalidTask,
    normalize_json,
    task_enqueued,
)
from django_outbox.services.task_types import OutboxTask, OutboxTaskResult

# Models, and the services that need them, are imported where they are used: @task makes a
# backend while modules are being imported, before the apps are ready.

__all__ = ["BackendOptions", "OutboxBackend", "OutboxTask", "OutboxTaskResult"]

_SMALLINT_MAX = 32_767
_LONGEST = {"dedup_key": 255, "group_key": 255}
_LONGEST_PATH = 195


class BackendOptions(SettingsModel):
    """``TASKS[alias]["OPTIONS"]``."""

    MAX_ATTEMPTS: int | None = Field(
        None,
        ge=1,
        le=_SMALLINT_MAX,
        description="Attempts of this backend's tasks; None leaves it to their queue.",
    )


class OutboxBackend(BaseTaskBackend):
    """
    Stores tasks as jobs in the caller's transaction.

    A task exists when that transaction commits, and never did when it is rolled back. It is
    tried again when it fails, and taken over when its worker dies.
    """

    task_class = OutboxTask
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def validate_task(self, task: AnyTask) -> None:
        """Refuse what could not be stored or run, with :class:`InvalidTask`."""
        super().validate_task(task)
        path = task.module_path
        if len(path) > _LONGEST_PATH:
            raise InvalidTask(
                f"The task's path has {len(path)} characters, at most {_LONGEST_PATH} fit: "
                f"{path!r}. Shorten the function's name."
            )
        if isinstance(task, OutboxTask):
            _validate_options(task)

    # Of the stubs' two type parameters, which are the function's, a result here has none.
    def enqueue(  # type: ignore[override]
        self, task: AnyTask, args: tuple[Any, ...] | list[Any], kwargs: Mapping[str, Any]
    ) -> OutboxTaskResult:
        """
        Store the task in the current transaction and return its result, which is READY.

        With a ``dedup_key`` whose task is still waiting, that one's result is returned.

        Raises:
            InvalidTask: no worker could run it.
            TypeError: an argument is not JSON.
            EnqueueError: the outbox cannot store it: a queue that ``OUTBOX["QUEUES"]`` lacks, or
                an argument that is too large, NaN, or holds a NUL character.
        """
        from django_outbox.services import enqueueing
        from django_outbox.services.task_results import (
            PREFIX,
            earlier_attempts,
            result_of,
            task_as_enqueued,
        )

        self.validate_task(task)
        _check_declaration(task)
        payload = {
            "args": normalize_json(args),
            "kwargs": normalize_json(kwargs),
            "backend": self.alias,
        }
        if task.run_after is not None:
            payload["run_after"] = task.run_after.isoformat()
        job = enqueueing.enqueue(
            PREFIX + task.module_path,
            getattr(task, "dedup_key", None),
            payload,
            queue=task.queue_name,
            priority=int(task.priority),
            run_after=task.run_after,
            **self._extras(task),
        )
        result = result_of(job, task_as_enqueued(task, job), earlier_attempts(job))
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> OutboxTaskResult:
        """
        Return the result with this id, whichever process enqueued it.

        Raises:
            TaskResultDoesNotExist: there is none; a queue may delete its jobs on success.
        """
        from django_outbox.services.task_results import read_result

        return read_result(result_id)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Report what would keep tasks from being stored, run, or looked up."""
        found = [*super().check(**kwargs), *self._check_options()]
        if not apps.is_installed("django_outbox"):
            found.append(
                Error(
                    f"TASKS[{self.alias!r}] stores tasks in the outbox, which is not installed.",
                    hint="Add 'django_outbox' to INSTALLED_APPS, and run migrate.",
                    id="django_outbox.E007",
                )
            )
        # The checks of OUTBOX say what is wrong with it.
        with suppress(ImproperlyConfigured):
            found += self._check_queues(get_conf())
        return found

    def _extras(self, task: AnyTask) -> dict[str, Any]:
        """Return the options of ``task`` that Django's API does not have, as far as it has any."""
        extras: dict[str, Any] = {}
        if (most := getattr(task, "max_attempts", None) or self._max_attempts()) is not None:
            extras["max_attempts"] = most
        if group_key := getattr(task, "group_key", ""):
            extras["group_key"] = group_key
        return extras

    def _max_attempts(self) -> int | None:
        if not self.options:
            return None
        try:
            return BackendOptions.model_validate(self.options).MAX_ATTEMPTS
        except ValidationError as error:
            sentences = " ".join(message.msg for message in self._check_options())
            raise ImproperlyConfigured(sentences) from error

    def _check_options(self) -> Iterator[Error]:
        try:
            BackendOptions.model_validate(self.options)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                place = "".join(f"[{key!r}]" for key in (self.alias, "OPTIONS", *detail["loc"]))
                yield Error(
                    f"TASKS{place}: {detail['msg']}, got {detail['input']!r}.",
                    hint=f"Known options: {', '.join(BackendOptions.model_fields)}.",
                    id="django_outbox.E009",
                )

    def _check_queues(self, conf: OutboxSettings) -> Iterator[CheckMessage]:
        for name in sorted(self.queues - set(conf.QUEUES)):
            yield Error(
                f"TASKS[{self.alias!r}]['QUEUES'] has {name!r}, which OUTBOX['QUEUES'] does not "
                "declare.",
                hint=f"Add it to OUTBOX['QUEUES'], or use one of: {', '.join(conf.QUEUES)}.",
                id="django_outbox.E008",
            )
        for name, queue in conf.QUEUES.items():
            # Without queues of its own the backend takes any.
            if queue.ON_SUCCESS == "delete" and (not self.queues or name in self.queues):
                yield CheckWarning(
                    f"Queue {name!r} deletes jobs that succeeded: get_result() of TASKS"
                    f"[{self.alias!r}] will not find them.",
                    hint="Set ON_SUCCESS to 'keep', or give such tasks a queue of their own.",
                    id="django_outbox.W002",
                )


def _validate_options(task: OutboxTask) -> None:
    if task.atomic and iscoroutinefunction(task.func):
        raise InvalidTask("A coroutine cannot be atomic: a transaction belongs to one thread.")
    most = task.max_attempts
    if most is not None and (type(most) is not int or not 1 <= most <= _SMALLINT_MAX):
        raise InvalidTask(f"max_attempts must be 1 to {_SMALLINT_MAX}, got {most!r}.")
    for name, longest in _LONGEST.items():
        value = getattr(task, name)
        if value is not None and (not isinstance(value, str) or len(value) > longest):
            raise InvalidTask(f"{name} must be text, at most {longest} characters, got {value!r}.")


def _check_declaration(task: AnyTask) -> None:
    """Refuse a task that a worker would not find, or would find with another ``atomic``."""
    from django_outbox.services.task_results import declared_task

    try:
        declared = declared_task(task.module_path)
    except UnknownJobTypeError as error:
        raise InvalidTask(str(error)) from error
    if getattr(task, "atomic", False) != getattr(declared, "atomic", False):
        raise InvalidTask(
            f"Task {task.name!r} is declared with another value of atomic. Workers go by the "
            "declaration: set it there."
        )
