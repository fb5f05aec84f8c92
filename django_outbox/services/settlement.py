"""
Writing down how attempts ended.

Every statement is fenced: it changes a job only while this worker holds it under the very claim
that the attempt was made with. A worker that lost its lease therefore changes nothing.
"""

import logging
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import F

from django_outbox.conf import OutboxSettings, get_conf
from django_outbox.engine.retry import Bury, after_failure
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet
from django_outbox.services.execution import Result, error_text

__all__ = ["SUPERSEDED", "Settled", "give_back", "settle", "wait_again"]

logger = logging.getLogger(__name__)

#: ``last_error`` of a job whose retry gave way to a newer one.
SUPERSEDED = "superseded"

# A twin that is enqueued between our look and our write makes the write fail, and is then seen.
_MAX_ROUNDS = 10


@dataclass(frozen=True)
class Settled:
    """What became of some attempts. ``lost``: another worker had taken the job meanwhile."""

    completed: int = 0
    retried: int = 0
    failed: int = 0
    superseded: int = 0
    lost: int = 0

    def __add__(self, other: "Settled") -> "Settled":
        return Settled(
            self.completed + other.completed,
            self.retried + other.retried,
            self.failed + other.failed,
            self.superseded + other.superseded,
            self.lost + other.lost,
        )

    @property
    def total(self) -> int:
        """Return how many attempts were settled."""
        return self.completed + self.retried + self.failed + self.superseded + self.lost


def settle(results: Sequence[Result], *, using: str) -> Settled:
    """Write down how the attempts ended: successes in bulk, failures one by one."""
    conf = get_conf()
    settled = _complete([r.job for r in results if r.error is None], conf, using)
    for result in results:
        if result.error is not None:
            settled += _after_failure(result.job, error_text(result.error), conf, using)
    return settled


def give_back(jobs: Iterable[OutboxJob], *, using: str, reason: str = "") -> int:
    """
    Let jobs wait again that this worker will not finish; return how many it still held.

    Without a ``reason`` they were never begun, and their attempt is not counted.
    """
    count = 0
    for job in jobs:
        outcome = wait_again(job, using=using, error=reason, refund=not reason)
        count += outcome.retried + outcome.superseded
    return count


def wait_again(
    job: OutboxJob,
    *,
    using: str,
    delay_seconds: float = 0.0,
    error: str = "",
    refund: bool = False,
) -> Settled:
    """
    Make a held job PENDING again, unless a pending twin is newer: then it is CANCELLED.

    An older pending twin gives way in its turn: the newer payload is the one that counts.
    """
    for _ in range(_MAX_ROUNDS):
        try:
            with transaction.atomic(using=using):
                if job.dedup_key is not None and _gives_way_to_a_twin(job, using):
                    return _outcome(
                        _held(job, using).finish(JobStatus.CANCELLED, error=SUPERSEDED),
                        Settled(superseded=1),
                        job,
                    )
                changes = {"attempts": F("attempts") - 1} if refund else {"last_error": error}
                return _outcome(
                    _held(job, using).back_to_pending(delay_seconds=delay_seconds, **changes),
                    Settled(retried=1),
                    job,
                )
        except IntegrityError:
            logger.debug("job_id=%s met a twin that was enqueued just now", job.pk)
    raise IntegrityError(f"{job} met a new pending twin {_MAX_ROUNDS} times in a row.")


def _gives_way_to_a_twin(job: OutboxJob, using: str) -> bool:
    twins = (
        OutboxJob.objects.using(using)
        .pending()
        .filter(job_type=job.job_type, dedup_key=job.dedup_key)
    )
    twin = twins.select_for_update().values_list("pk", flat=True).first()
    if twin is not None and twin < job.pk:
        twins.filter(pk=twin).finish(JobStatus.CANCELLED, error=SUPERSEDED)
    return twin is not None and twin > job.pk


def _complete(jobs: Sequence[OutboxJob], conf: OutboxSettings, using: str) -> Settled:
    # Jobs of one claim number share a statement; most jobs have number 1.
    groups: dict[tuple[str, int, bool], list[int]] = defaultdict(list)
    for job in jobs:
        queue = conf.QUEUES.get(job.queue)
        delete = queue is not None and queue.ON_SUCCESS == "delete"
        groups[job.worker, job.claim_no, delete].append(job.pk)
    completed = 0
    with transaction.atomic(using=using):
        for (worker, claim_no, delete), ids in groups.items():
            held = OutboxJob.objects.using(using).held(worker, claim_no, ids)
            completed += held.delete()[0] if delete else held.finish(JobStatus.COMPLETED)
    if completed < len(jobs):
        logger.warning("lost=%s completions came after the lease was lost", len(jobs) - completed)
    return Settled(completed=completed, lost=len(jobs) - completed)


def _after_failure(job: OutboxJob, error: str, conf: OutboxSettings, using: str) -> Settled:
    verdict = after_failure(
        job.attempts,
        job.max_attempts,
        cap_seconds=conf.BACKOFF_CAP_SECONDS,
        jitter=conf.BACKOFF_JITTER,
        chance=random.random(),  # noqa: S311  # spreads load, guards nothing
    )
    if isinstance(verdict, Bury):
        logger.error("dead job_id=%s job_type=%s attempts=%s", job.pk, job.job_type, job.attempts)
        return _outcome(
            _held(job, using).finish(JobStatus.FAILED, error=error), Settled(failed=1), job
        )
    return wait_again(job, using=using, delay_seconds=verdict.delay_seconds, error=error)


def _held(job: OutboxJob, using: str) -> OutboxJobQuerySet:
    return OutboxJob.objects.using(using).held(job.worker, job.claim_no, [job.pk])


def _outcome(changed: int, outcome: Settled, job: OutboxJob) -> Settled:
    if changed:
        return outcome
    logger.warning("lost job_id=%s claim_no=%s another worker has it", job.pk, job.claim_no)
    return Settled(lost=1)
