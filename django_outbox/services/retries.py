"""
What becomes of a job whose attempt did not succeed.

Every statement is fenced: it changes a job only while the caller's query still finds it. In the
same transaction the attempt is kept as a row of :class:`OutboxAttempt`.
"""

import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Case, DateTimeField, F, TextField, Value, When

from django_opskit.clock import ServerTime
from django_outbox.backends.contention import impatient_transaction
from django_outbox.conf import get_conf
from django_outbox.engine.retry import Retry, after_failure
from django_outbox.models import JobStatus, OutboxJob, OutboxJobQuerySet
from django_outbox.services.attempts import Failure, keep_failures

__all__ = ["SUPERSEDED", "Settled", "bury", "fail", "fail_together", "wait_again"]

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


def fail(job: OutboxJob, failure: Failure, held: OutboxJobQuerySet) -> Settled:
    """Let ``job`` wait for its next attempt, or bury it when there is none."""
    delay_seconds = _delay(job, failure)
    if delay_seconds is None:
        return bury(job, failure, held)
    return wait_again(job, held, delay_seconds=delay_seconds, failure=failure)


def fail_together(failed: Sequence[tuple[OutboxJob, Failure]], *, using: str) -> Settled | None:
    """
    Do as :func:`fail` for many jobs without dedup_key, in few statements.

    All or none: None when some job is held no longer, and nothing has changed then. Which one
    it is, the caller finds out by failing them one by one.
    """
    buried: dict[tuple[str, int], list[tuple[OutboxJob, Failure]]] = defaultdict(list)
    retried: dict[tuple[str, int], list[tuple[OutboxJob, Failure, float]]] = defaultdict(list)
    for job, failure in failed:
        delay_seconds = _delay(job, failure)
        if delay_seconds is None:
            buried[job.worker, job.claim_no].append((job, failure))
        else:
            retried[job.worker, job.claim_no].append((job, failure, delay_seconds))
    jobs = OutboxJob.objects.using(using)
    settled = Settled()
    with transaction.atomic(using=using):
        for claim, dead in buried.items():
            held = jobs.held(*claim, [job.pk for job, _ in dead])
            settled += Settled(failed=_bury_all(held, dead))
        for claim, alive in retried.items():
            held = jobs.held(*claim, [job.pk for job, _, _ in alive])
            settled += Settled(retried=_retry_all(held, alive))
        if settled.total < len(failed):
            transaction.set_rollback(True, using=using)
            return None
        keep_failures([failure.row(job) for job, failure in failed], using=using)
    return settled


def bury(job: OutboxJob, failure: Failure, held: OutboxJobQuerySet) -> Settled:
    """Make ``job`` FAILED: a dead letter until somebody looks at it."""
    with transaction.atomic(using=held.db):
        if not held.finish(JobStatus.FAILED, error=failure.text):
            return Settled(lost=1)
        keep_failures([failure.row(job)], using=held.db)
    return Settled(failed=1)


def wait_again(
    job: OutboxJob,
    held: OutboxJobQuerySet,
    *,
    delay_seconds: float = 0.0,
    failure: Failure | None = None,
) -> Settled:
    """
    Make ``job`` PENDING again, unless a pending twin is newer: then it is CANCELLED.

    An older pending twin gives way in its turn: the newer payload is the one that counts.
    ``held`` finds the job for as long as it is the caller's to change. Without a ``failure`` the
    attempt is not counted.
    """
    for _ in range(_MAX_ROUNDS):
        try:
            # A site's transaction may have enqueued the key and stay open for an hour.
            with impatient_transaction(held.db):
                settled = _wait_again(job, held, delay_seconds, failure)
                if failure is not None and not settled.lost:
                    keep_failures([failure.row(job)], using=held.db)
                return settled
        except IntegrityError:
            logger.debug("job_id=%s met a twin that was enqueued just now", job.pk)
    raise IntegrityError(f"{job} met a new pending twin {_MAX_ROUNDS} times in a row.")


def _wait_again(
    job: OutboxJob, held: OutboxJobQuerySet, delay_seconds: float, failure: Failure | None
) -> Settled:
    if job.dedup_key is not None:
        # This changes nothing. It locks the job, proves that it is still ours before
        # a twin pays for it, and makes SQLite wait for its turn at the beginning.
        if not held.update(worker=job.worker):
            return Settled(lost=1)
        if _gives_way_to_a_twin(job, held.db):
            held.finish(JobStatus.CANCELLED, error=SUPERSEDED)
            return Settled(superseded=1)
    if failure is None:
        changed = held.back_to_pending(delay_seconds=delay_seconds, attempts=F("attempts") - 1)
    else:
        changed = held.back_to_pending(delay_seconds=delay_seconds, last_error=failure.text)
    return Settled(retried=1) if changed else Settled(lost=1)


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


def _delay(job: OutboxJob, failure: Failure) -> float | None:
    """Return how long the job waits for its next attempt, in seconds; None: there is none."""
    conf = get_conf()
    verdict = after_failure(
        job.attempts,
        job.max_attempts,
        cap_seconds=conf.BACKOFF_CAP_SECONDS,
        jitter=conf.BACKOFF_JITTER,
        chance=random.random(),  # noqa: S311  # spreads load, guards nothing
    )
    return verdict.delay_seconds if isinstance(verdict, Retry) and not failure.is_final else None


def _bury_all(held: OutboxJobQuerySet, dead: Sequence[tuple[OutboxJob, Failure]]) -> int:
    return held.update(
        status=JobStatus.FAILED,
        finished_at=ServerTime(),
        lease_until=None,
        last_error=_each({job.pk: failure for job, failure in dead}),
    )


def _retry_all(held: OutboxJobQuerySet, alive: Sequence[tuple[OutboxJob, Failure, float]]) -> int:
    moments = [When(pk=job.pk, then=ServerTime(delay)) for job, _, delay in alive]
    return held.update(
        status=JobStatus.PENDING,
        run_after=Case(*moments, output_field=DateTimeField()),
        lease_until=None,
        finished_at=None,
        worker="",
        last_error=_each({job.pk: failure for job, failure, _ in alive}),
    )


def _each(failures: dict[int, Failure]) -> Case:
    text = TextField()
    whens = [When(pk=pk, then=Value(failure.text, text)) for pk, failure in failures.items()]
    return Case(*whens, output_field=text)
