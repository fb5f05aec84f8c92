"""Running a task: the handler of the jobs that ``OutboxBackend`` stores."""

from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.dispatch import Signal
from django.utils import timezone

from django_outbox.conf import get_conf
from django_outbox.exceptions import EnqueueError, HandlerResultError, Snooze
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Failure
from django_outbox.services.payload import checked_payload
from django_outbox.services.registry import Registration
from django_outbox.services.task_api import (
    AnyTask,
    TaskContext,
    TaskError,
    TaskResultStatus,
    normalize_json,
    task_finished,
    task_started,
)
from django_outbox.services.task_results import (
    PREFIX,
    declared_task,
    earlier_attempts,
    result_of,
    task_as_enqueued,
)
from django_outbox.services.task_types import OutboxTaskResult

__all__ = ["registration_of"]


def registration_of(job_type: str) -> Registration:
    """
    Return what runs the jobs of a task; the registry asks once for each.

    Raises:
        UnknownJobTypeError: no such task is declared.
    """
    task = declared_task(job_type.removeprefix(PREFIX))
    run = _arun if iscoroutinefunction(task.func) else _run
    return Registration(
        job_type, partial(run, task), keep_result=True, atomic=getattr(task, "atomic", False)
    )


def _run(declared: AnyTask, job: OutboxJob) -> Any:
    """Run the task of ``job`` and return its value as JSON; raises what the task raises."""
    result, sender = _begin(declared, job)
    try:
        # Not declared.call(), which asks each time whether it is a coroutine function.
        value = declared.func(*_context(result), *result.args, **result.kwargs)
        return _succeed(result, value, sender)
    except BaseException as error:
        _fail(result, error, sender)
        raise


async def _arun(declared: AnyTask, job: OutboxJob) -> Any:
    """Do as :func:`_run` on an event loop, where receivers may not block and have a thread."""
    result, sender = await sync_to_async(_begin)(declared, job)
    try:
        value = await declared.acall(*_context(result), *result.args, **result.kwargs)
        return await sync_to_async(_succeed)(result, value, sender)
    except BaseException as error:
        await sync_to_async(_fail)(result, error, sender)
        raise


def _begin(declared: AnyTask, job: OutboxJob) -> tuple[OutboxTaskResult, type]:
    """Return the result, and who sends its signals: the class of its backend, as in Django."""
    task = task_as_enqueued(declared, job)
    result = result_of(job, task, earlier_attempts(job))
    # Looked up once for both signals: that takes as long as sending one.
    sender = type(task.get_backend())
    _send(task_started, result, sender)
    return result, sender


def _context(result: OutboxTaskResult) -> tuple[Any, ...]:
    return (TaskContext(task_result=result),) if result.task.takes_context else ()


def _succeed(result: OutboxTaskResult, value: Any, sender: type) -> Any:
    if value is not None:
        # The registry checks it as well, and that is too late for the signal.
        value = _storable(result.job, normalize_json(value))
    put = object.__setattr__
    put(result, "status", TaskResultStatus.SUCCESSFUL)
    put(result, "finished_at", timezone.now())
    put(result, "_return_value", value)
    _send(task_finished, result, sender)
    return value


def _fail(result: OutboxTaskResult, error: BaseException, sender: type) -> None:
    failure, job = Failure.of(error), result.job
    comes_back = isinstance(error, Snooze)
    if not comes_back:
        result.errors.append(TaskError(exception_class_path=failure.kind, traceback=failure.text))
        comes_back = not failure.is_final and job.attempts < job.max_attempts
    put = object.__setattr__
    put(result, "status", TaskResultStatus.READY if comes_back else TaskResultStatus.FAILED)
    put(result, "finished_at", None if comes_back else timezone.now())
    # Called while the exception is being handled, because receivers ask for it.
    _send(task_finished, result, sender)


def _storable(job: OutboxJob, value: Any) -> Any:
    if isinstance(value, int):
        return value
    limit = get_conf().MAX_PAYLOAD_BYTES
    try:
        return checked_payload(value, job_type=job.job_type, max_bytes=limit, what="result")
    except EnqueueError as error:
        raise HandlerResultError(str(error)) from error


def _send(signal: Signal, result: OutboxTaskResult, sender: type) -> None:
    # Robust: a receiver that fails is logged, and a task that is done does not run again for it.
    signal.send_robust(sender=sender, task_result=result)
