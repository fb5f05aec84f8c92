"""
Writing down how attempts ended.

Every statement is fenced: it changes a job only while this worker holds it under the very claim
that the attempt was made with. A worker that lost its lease therefore changes nothing.
"""

import logging
from collections.abc import Iterable, Sequence

from django.db import DatabaseError

from django_opskit.conflicts import is_conflict
from django_outbox.exceptions import Snooze, WorkerStoppedError
from django_outbox.models import OutboxJob, OutboxJobQuerySet
from django_outbox.services.attempts import Failure, Result, error_type
from django_outbox.services.completion import complete
from django_outbox.services.retries import (
    SUPERSEDED,
    Settled,
    bury,
    fail,
    fail_together,
    wait_again,
)

__all__ = ["SUPERSEDED", "Settled", "batches", "give_back", "settle", "wait_again"]

logger = logging.getLogger(__name__)

_MOST_CONFLICTS = 2


def batches(results: Sequence[Result]) -> list[list[Result]]:
    """
    Part results into those that are settled together: successes, failures, and the rest singly.

    A job with a dedup_key that goes back may have to give way to a twin, and to wait for it.
    """
    succeeded: list[Result] = []
    failed: list[Result] = []
    singly: list[list[Result]] = []
    for result in results:
        if result.error is None:
            succeeded.append(result)
        elif result.job.dedup_key is None and not isinstance(result.error, Snooze):
            failed.append(result)
        else:
            singly.append([result])
    return [batch for batch in (succeeded, failed) if batch] + singly


def settle(results: Sequence[Result], *, using: str) -> Settled:
    """Write down how the attempts ended, as :func:`batches` parts them."""
    settled = Settled()
    for batch in batches(results):
        if batch[0].error is None:
            settled += _complete(batch, using)
        elif len(batch) == 1:
            settled += _fail(batch[0].job, batch[0].error, using)
        else:
            settled += _fail_together(batch, using)
    return settled


def _complete(batch: Sequence[Result], using: str) -> Settled:
    # An atomic handler has completed its job itself.
    left = [result for result in batch if not result.is_settled]
    values = {(r.job.pk, r.job.claim_no): r.value for r in left if r.value is not None}
    completed = complete([result.job for result in left], values, using=using) if left else 0
    if completed < len(left):
        logger.warning("lost=%s completions came after the lease was lost", len(left) - completed)
    return Settled(completed=len(batch) - len(left) + completed, lost=len(left) - completed)


def _fail_together(batch: Sequence[Result], using: str) -> Settled:
    errors = [(result.job, result.error) for result in batch if result.error is not None]
    failed = [(job, Failure.of(error)) for job, error in errors]
    together: Settled | None = None
    try:
        together = fail_together(failed, using=using)
    except DatabaseError as error:
        if is_conflict(error) or all(failure.text.isascii() for _, failure in failed):
            raise
    if together is None:
        # Some were lost, or have characters that the database lacks: one by one tells which.
        return sum((_fail(job, error, using) for job, error in errors), Settled())
    if together.failed:
        logger.error("dead jobs=%s see their last_error", together.failed)
    return together


def _fail(job: OutboxJob, error: BaseException, using: str) -> Settled:
    held = _held(job, using)
    if isinstance(error, Snooze):
        return wait_again(job, held, delay_seconds=error.seconds)
    failure = Failure.of(error)
    try:
        settled = fail(job, failure, held)
    except DatabaseError:
        if failure.text.isascii():
            raise
        # An old database may have an encoding that lacks most of the world's characters.
        settled = fail(job, Failure.of(error, encoding="ascii"), held)
    if settled.failed:
        logger.error("dead job_id=%s job_type=%s attempts=%s", job.pk, job.job_type, job.attempts)
    elif settled.lost:
        logger.warning("lost job_id=%s claim_no=%s another worker has it", job.pk, job.claim_no)
    return settled


def give_back(jobs: Iterable[OutboxJob], *, using: str, reason: str = "") -> int:
    """
    Let jobs wait again that this worker will not finish; return how many it still held.

    Without a ``reason`` they were never begun, and their attempt is not counted. With one, those
    that have no attempt left are buried.
    """
    failure = Failure(error_type(WorkerStoppedError), reason) if reason else None
    count = 0
    # Whoever stops has no time to wait for each key that somebody is enqueuing.
    patience = _MOST_CONFLICTS
    for job in jobs:
        if not patience:
            logger.warning("job_id=%s goes back when its worker is gone", job.pk)
            continue
        held = _held(job, using)
        try:
            if failure is not None and job.attempts >= job.max_attempts:
                count += bury(job, failure, held).failed
                continue
            outcome = wait_again(job, held, failure=failure)
        except DatabaseError as error:
            if not is_conflict(error):
                raise
            patience -= 1
            logger.warning("job_id=%s goes back when its worker is gone: %s", job.pk, error)
        else:
            count += outcome.retried + outcome.superseded
    return count


def _held(job: OutboxJob, using: str) -> OutboxJobQuerySet:
    return OutboxJob.objects.using(using).held(job.worker, job.claim_no, [job.pk])
