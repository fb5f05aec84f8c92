"""From a job's row to the task and the result that Django's API knows."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import router
from django.utils.module_loading import import_string

from django_outbox.exceptions import UnknownJobTypeError
from django_outbox.models import JobStatus, OutboxAttempt, OutboxJob
from django_outbox.services.task_api import (
    AnyTask,
    Task,
    TaskError,
    TaskResultDoesNotExist,
    TaskResultStatus,
)
from django_outbox.services.task_types import OutboxTaskResult, assemble, changed

__all__ = [
    "PREFIX",
    "declared_task",
    "earlier_attempts",
    "read_result",
    "result_of",
    "task_as_enqueued",
]

#: What the job types of tasks begin with; the dotted path of the function follows.
PREFIX = "task:"

# By the words themselves, which the members are equal to.
_STATUSES: Mapping[str, TaskResultStatus] = {
    JobStatus.PENDING: TaskResultStatus.READY,
    JobStatus.IN_PROGRESS: TaskResultStatus.RUNNING,
    JobStatus.COMPLETED: TaskResultStatus.SUCCESSFUL,
    JobStatus.FAILED: TaskResultStatus.FAILED,
    JobStatus.CANCELLED: TaskResultStatus.FAILED,
}

# Those in which the last attempt has not failed, or not yet.
_UNFAILED = (JobStatus.IN_PROGRESS, JobStatus.COMPLETED)

# int() would take blanks, underscores and the digits of other scripts as well.
_ID = re.compile(r"[1-9][0-9]{0,18}")
_LARGEST_ID = 2**63 - 1

Attempts = Mapping[int, OutboxAttempt]


def declared_task(path: str) -> AnyTask:
    """
    Return the task that stands under the dotted ``path``.

    Raises:
        UnknownJobTypeError: there is none.
    """
    try:
        found = import_string(path)
    except ImportError as error:
        raise UnknownJobTypeError(
            f"There is no task {path!r}: {error}. Deploy the module that declares it, or cancel "
            "the jobs that need it."
        ) from error
    if not isinstance(found, Task):
        raise UnknownJobTypeError(
            f"{path!r} is no task, but {found!r}. A worker finds a task by its function's name: "
            "let the name keep what @task returned."
        )
    return found


def task_as_enqueued(declared: AnyTask, job: OutboxJob) -> AnyTask:
    """Return the task with the options under which ``job`` was enqueued."""
    moment = job.payload.get("run_after")
    run_after = datetime.fromisoformat(moment) if moment else None
    backend = job.payload["backend"]
    if (declared.priority, declared.queue_name, declared.backend, declared.run_after) == (
        job.priority,
        job.queue,
        backend,
        run_after,
    ):
        return declared
    return changed(
        declared,
        {
            "priority": job.priority,
            "queue_name": job.queue,
            "backend": backend,
            "run_after": run_after,
        },
    )


def earlier_attempts(job: OutboxJob) -> Attempts:
    """Return the attempts of ``job`` that failed, by number; no query when there can be none."""
    failed = job.attempts - (job.status in _UNFAILED)
    if failed < 1:
        return {}
    rows = OutboxAttempt.objects.using(job._state.db).filter(job_id=job.pk, attempt__lte=failed)
    # A job that was run again from the start has several with one number: the latest counts.
    return {row.attempt: row for row in rows.order_by("claim_no")}


def result_of(job: OutboxJob, task: AnyTask, attempts: Attempts) -> OutboxTaskResult:
    """Return the result of ``job`` as its row stands; ``attempts`` are those that failed."""
    status = _STATUSES[job.status]
    first, last = attempts.get(1), attempts.get(job.attempts)
    return assemble(
        OutboxTaskResult,
        {
            "task": task,
            "id": str(job.pk),
            "status": status,
            "enqueued_at": job.created_at,
            "started_at": first.started_at if first else _started_at(job),
            "last_attempted_at": last.started_at if last else _started_at(job),
            "finished_at": job.finished_at,
            "args": job.payload["args"],
            "kwargs": job.payload["kwargs"],
            "backend": task.backend,
            "errors": _errors(job, attempts),
            # One for each attempt, since Django's API counts the attempts by them.
            "worker_ids": [
                attempts[number].worker if number in attempts else job.worker
                for number in range(1, job.attempts + 1)
            ],
            "_return_value": job.result if status == TaskResultStatus.SUCCESSFUL else None,
            "job": job,
        },
    )


def read_result(result_id: str) -> OutboxTaskResult:
    """
    Return the result with this id, from whatever process it was enqueued.

    Raises:
        TaskResultDoesNotExist: there is no such job, it is no task's, or its task is no more.
    """
    if not _ID.fullmatch(str(result_id)) or int(result_id) > _LARGEST_ID:
        raise TaskResultDoesNotExist(result_id)
    # Where it was written: a replica may not have it yet.
    jobs = OutboxJob.objects.using(router.db_for_write(OutboxJob))
    job = jobs.filter(pk=int(result_id), job_type__startswith=PREFIX).first()
    if job is None:
        raise TaskResultDoesNotExist(result_id)
    try:
        declared = declared_task(job.job_type.removeprefix(PREFIX))
    except UnknownJobTypeError as error:
        raise TaskResultDoesNotExist(f"{result_id}: {error}") from error
    return result_of(job, task_as_enqueued(declared, job), earlier_attempts(job))


def _started_at(job: OutboxJob) -> datetime | None:
    # A job that was given back unbegun has been claimed, and its attempt has been refunded.
    return job.started_at if job.attempts else None


def _errors(job: OutboxJob, attempts: Attempts) -> list[Any]:
    errors = [
        TaskError(exception_class_path=attempt.error_type, traceback=attempt.error)
        for _, attempt in sorted(attempts.items())
    ]
    if job.status == JobStatus.CANCELLED:
        # No attempt failed, and yet the API has no other word for it than FAILED.
        cancelled = "concurrent.futures.CancelledError"
        errors.append(TaskError(exception_class_path=cancelled, traceback=job.last_error))
    return errors
