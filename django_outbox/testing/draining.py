"""Running jobs in a test until none is due."""

from collections.abc import Sequence

from django.db import router

from django_opskit.clock import ServerTime
from django_outbox.conf import get_conf
from django_outbox.exceptions import Snooze
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Result
from django_outbox.services.claiming import QueueRota
from django_outbox.services.identity import worker_name
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back
from django_outbox.testing.faults import run_with_faults

__all__ = ["JobFailed", "drain"]


class JobFailed(AssertionError):  # noqa: N818  # reads as what it says in a test's report
    """A job that the test ran has raised; what it raised is the cause of this error."""


def drain(
    max_jobs: int = 1000,
    *,
    queues: Sequence[str] | None = None,
    include_later: bool = False,
    raise_errors: bool = True,
    using: str | None = None,
) -> int:
    """
    Run due jobs until none is left, those that they enqueue too; return how many were begun.

    Args:
        max_jobs: more than so many are taken for an endless chain.
        queues: the queues to look at; all of ``OUTBOX["QUEUES"]`` by default.
        include_later: run jobs that are scheduled for later as well, the earliest first: each
            gets the present moment as its ``run_after``. Retries are such jobs.
        raise_errors: stop at the first job that raises; otherwise its next attempt is scheduled
            as ever, and the test looks at ``job.last_error``.
        using: the database; by default where the router writes :class:`OutboxJob`.

    Raises:
        JobFailed: a job raised, with its traceback; the attempt is written down before.
        AssertionError: after ``max_jobs`` there is still one to run.
    """
    if max_jobs < 1:
        raise ValueError(f"max_jobs must be 1 or more, got {max_jobs}")
    alias = using or router.db_for_write(OutboxJob)
    conf = get_conf()
    names = list(queues or conf.QUEUES)
    rota = QueueRota(names, worker=worker_name(), lease_seconds=conf.LEASE_SECONDS, using=alias)
    begun = 0
    while (job := _next_job(rota, names, alias, include_later=include_later)) is not None:
        if begun >= max_jobs:
            give_back([job], using=alias)
            raise AssertionError(
                f"{job} is due after {max_jobs} jobs were run. Do jobs enqueue each other "
                "without end? Otherwise give drain() a larger max_jobs."
            )
        begun += 1
        result = run_with_faults(job, using=alias)
        if result is not None and result.error is not None:
            _raise(result, errors_too=raise_errors)
    return begun


def _next_job(
    rota: QueueRota, queues: Sequence[str], using: str, *, include_later: bool
) -> OutboxJob | None:
    while True:
        rescue_expired(using=using)
        claimed = rota.claim(1)
        if claimed:
            return claimed[0]
        if not include_later or not _make_earliest_due(queues, using):
            return None


def _make_earliest_due(queues: Sequence[str], using: str) -> bool:
    waiting = OutboxJob.objects.using(using).pending().filter(queue__in=queues)
    later = waiting.filter(run_after__gt=ServerTime()).order_by("run_after", "pk")
    earliest = later.values_list("pk", flat=True).first()
    if earliest is None:
        return False
    return bool(waiting.filter(pk=earliest).update(run_after=ServerTime()))


def _raise(result: Result, *, errors_too: bool) -> None:
    error, job = result.error, result.job
    if isinstance(error, KeyboardInterrupt):
        raise error
    if errors_too and not isinstance(error, Snooze):
        raise JobFailed(
            f"Attempt {job.attempts} of {job} (dedup_key={job.dedup_key!r}) raised "
            f"{type(error).__name__}: {error}"
        ) from error
