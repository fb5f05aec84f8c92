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

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F

from django_outbox.backends.contention import impatient_transaction, is_conflict
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
            settled += _fail(result.job, result.error, conf, using)
    return settled


def _fail(job: OutboxJob, error: BaseException, conf: OutboxSettings, using: str) -> Settled:
    text = error_text(error)
    try:
        return _after_failure(job, text, conf, using)
    except DatabaseError:
        if text.isascii():
            raise
    # An old database may have an encoding that lacks most of the world's characters.
    return _after_failure(job, error_text(error, encoding="ascii"), conf, using)


def give_back(jobs: Iterable[OutboxJob], *, using: str, reason: str = "") -> int:
    """
    Let jobs wait again that this worker will not finish; return how many it still held.

    Without a ``reason`` they were never begun, and their attempt is not counted.
    """
    count = 0
    for job in jobs:
        try:
            outcome = wait_again(job, _held(job, using), error=reason, refund=not reason)
        except DatabaseError as error:
            if not is_conflict(error):
                raise
            logger.warning("job_id=%s goes back when its lease is over: %s", job.pk, error)
        else:
            count += outcome.retried + outcome.superseded
    return count


def wait_again(
    job: OutboxJob,
    held: OutboxJobQuerySet,
    *,
    delay_seconds: float = 0.0,
    error: str = "",
    refund: bool = False,
) -> Settled:
    """
    Make ``job`` PENDING again, unless a pending twin is newer: then it is CANCELLED.

    An older pending twin gives way in its turn: the newer payload is the one that counts.
    ``held`` finds the job for as long as it is the caller's to change.
    """
    changes = {"attempts": F("attempts") - 1} if refund else {"last_error": error}
    for _ in range(_MAX_ROUNDS):
        try:
            # A site's transaction may have enqueued the key and stay open for an hour.
            with impatient_transaction(held.db):
                if job.dedup_key is not None:
                    # This changes nothing. It locks the job, proves that it is still ours before
                    # a twin pays for it, and makes SQLite wait for its turn at the beginning.
                    if not held.update(worker=job.worker):
                        return Settled(lost=1)
                    if _gives_way_to_a_twin(job, held.db):
                        held.finish(JobStatus.CANCELLED, error=SUPERSEDED)
                        return Settled(superseded=1)
                changed = held.back_to_pending(delay_seconds=delay_seconds, **changes)
                return Settled(retried=1) if changed else Settled(lost=1)
        except IntegrityError:
            logger.debug("job_id=%s met a twin that was enqueued just now", job.pk)
    raise IntegrityError(f"{job} met a new pending twin {_MAX_ROUNDS} times in a row.")


def _gives_way_to_a_twin(job: OutboxJob, using: str) -> bool:
    twins = (
        OutboxJob.objects.using(using)
        .pending()
        .filter(job_type=job.job_type, dedup_key=job.dedup_key)
    )
    # Without a lock: a newer twin is on its way, whoever may take it now.
    twin = twins.values_list("pk", flat=True).first()
    if twin is None or twin > job.pk:
        return twin is not None
    # With one: whoever merged into the older twin has to commit before it may go.
    if twins.filter(pk=twin).select_for_update().values_list("pk", flat=True).first():
        older = OutboxJob.objects.using(using).filter(pk=twin)
        older.finish(JobStatus.CANCELLED, error=SUPERSEDED)
    return False


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
    held = _held(job, using)
    if isinstance(verdict, Bury):
        with transaction.atomic(using=using):
            buried = held.finish(JobStatus.FAILED, error=error)
        settled = Settled(failed=1) if buried else Settled(lost=1)
    else:
        settled = wait_again(job, held, delay_seconds=verdict.delay_seconds, error=error)
    if settled.failed:
        logger.error("dead job_id=%s job_type=%s attempts=%s", job.pk, job.job_type, job.attempts)
    elif settled.lost:
        logger.warning("lost job_id=%s claim_no=%s another worker has it", job.pk, job.claim_no)
    return settled


def _held(job: OutboxJob, using: str) -> OutboxJobQuerySet:
    return OutboxJob.objects.using(using).held(job.worker, job.claim_no, [job.pk])
