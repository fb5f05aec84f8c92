"""Jobs whose worker died come back."""

import logging

from django.db import connections, transaction

from django_outbox.models import JobStatus, OutboxJob
from django_outbox.services.settlement import Settled, wait_again

__all__ = ["rescue_expired"]

logger = logging.getLogger(__name__)

_BATCH = 100

_REASON = "The worker {worker} gave no sign of life until its lease was over."


def rescue_expired(*, using: str) -> Settled:
    """
    Let jobs with an expired lease wait again at once; bury those without attempts left.

    The attempt was counted at the claim, so a payload that kills its worker each time ends as a
    dead letter and not in an endless row of dead workers.
    """
    # Look before opening a transaction: on SQLite one may take the write lock, every second.
    if not OutboxJob.objects.using(using).expired().exists():
        return Settled()
    rescued = Settled()
    with transaction.atomic(using=using):
        for job in _expired(using):
            reason = _REASON.format(worker=job.worker)
            if job.attempts < job.max_attempts:
                rescued += wait_again(job, using=using, error=reason)
            else:
                held = OutboxJob.objects.using(using).held(job.worker, job.claim_no, [job.pk])
                rescued += Settled(failed=held.finish(JobStatus.FAILED, error=reason))
    if rescued.total:
        logger.warning(
            "jobs of dead workers: retried=%s failed=%s superseded=%s",
            rescued.retried,
            rescued.failed,
            rescued.superseded,
        )
    return rescued


def _expired(using: str) -> list[OutboxJob]:
    expired = OutboxJob.objects.using(using).expired().order_by("lease_until")[:_BATCH]
    features = connections[using].features
    if features.has_select_for_update:
        # Several workers rescue side by side, and none waits for another.
        expired = expired.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
    return list(expired)
