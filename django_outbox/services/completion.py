"""
Writing down that jobs are done.

Every statement is fenced: it changes a job only while this worker holds it under the very claim
that the attempt was made with.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, JSONField
from django.db.models.sql.compiler import SQLCompiler

from django_opskit.clock import ServerTime
from django_outbox.backends.acks import complete_held, delete_held
from django_outbox.conf import OutboxSettings, QueueSettings, get_conf
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet

__all__ = ["complete"]

_UNDECLARED = QueueSettings()


def complete(
    jobs: Sequence[OutboxJob], values: Mapping[tuple[int, int], Any], *, using: str
) -> int:
    """
    Complete jobs, or delete them where their queue says so; return how many were still held.

    One statement for all that were claimed under one number, and most jobs have number 1; one
    more for those with a result. ``values`` has the results by job id and claim number; a job
    that is deleted has no place for one.

    PostgreSQL reports it before it is on disk when the queues of all these jobs allow that.
    """
    conf = get_conf()
    groups: dict[tuple[str, int, bool, bool], list[int]] = defaultdict(list)
    for job in jobs:
        delete = _queue(job, conf).ON_SUCCESS == "delete"
        with_value = not delete and (job.pk, job.claim_no) in values
        groups[job.worker, job.claim_no, delete, with_value].append(job.pk)
    completed = 0
    connection = connections[using]
    # What else a caller's transaction (an atomic handler's, a test's) has written shall be safe.
    waits_for_disk = (
        connection.vendor != "postgresql"
        or connection.in_atomic_block
        or any(_queue(job, conf).DURABLE_ACK for job in jobs)
    )
    # One statement is a transaction already.
    is_one = waits_for_disk and len(groups) == 1
    with nullcontext() if is_one else transaction.atomic(using=using):
        if not waits_for_disk:
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = off")
        for (worker, claim_no, delete, with_value), ids in groups.items():
            if delete:
                completed += delete_held(ids, worker, claim_no, using=using)
            elif with_value:
                held = OutboxJob.objects.using(using).held(worker, claim_no, ids)
                completed += _finish_with_values(
                    held, {job_id: values[job_id, claim_no] for job_id in ids}
                )
            else:
                completed += complete_held(ids, worker, claim_no, using=using)
    return completed


def _queue(job: OutboxJob, conf: OutboxSettings) -> QueueSettings:
    # A queue may have been taken out of the settings while it had jobs.
    return conf.QUEUES.get(job.queue) or _UNDECLARED


def _finish_with_values(held: OutboxJobQuerySet, values: Mapping[int, Any]) -> int:
    return held.update(
        status=JobStatus.COMPLETED,
        finished_at=ServerTime(),
        lease_until=None,
        last_error="",
        result=_ValueById(values),
    )


class _ValueById(Expression):
    """A JSON value for each id. ``Case`` and ``When`` would take longer than the jobs do."""

    output_field = JSONField()

    def __init__(self, values: Mapping[int, Any]) -> None:
        super().__init__()
        self.values = values

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        """Return a CASE with two parameters for each id."""
        parameters: list[Any] = []
        for job_id, value in self.values.items():
            parameters += (job_id, self.output_field.get_db_prep_save(value, connection))
        return f"CASE id {'WHEN %s THEN %s ' * len(self.values)}END", tuple(parameters)
