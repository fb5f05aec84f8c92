"""Jobs whose worker died come back."""

import dataclasses
import logging
from collections.abc import Collection

from django.db import DatabaseError, connections

from django_opskit.clock import NOW_SQL
from django_opskit.conflicts import is_conflict
from django_outbox.backends.contention import answers
from django_outbox.exceptions import LeaseLost
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Failure, error_type
from django_outbox.services.caution import SILENT
from django_outbox.services.retries import Settled, bury, wait_again

__all__ = ["pass_over", "rescue", "rescue_expired"]

logger = logging.getLogger(__name__)

_BATCH = 100

_EXPIRED = """
SELECT 1 FROM outbox_job WHERE status = 'IN_PROGRESS' AND lease_until < {now} LIMIT 1
"""


def rescue_expired(*, using: str, spare: Collection[int] = ()) -> Settled:
    """
    Let jobs with an expired lease wait again at once; bury those without attempts left.

    The attempt was counted at the claim, so a payload that kills its worker each time ends as a
    dead letter and not in an endless row of dead workers.

    ``spare`` are the jobs that the caller is running: after a pause of the whole machine their
    leases are over, and still nobody is better placed to finish them.
    """
    # Look before writing: on SQLite an UPDATE takes the write lock even when it finds nothing.
    rescued = Settled()
    if not _any_expired(using):
        return rescued
    expired = OutboxJob.objects.using(using).expired().exclude(pk__in=spare)
    for job in expired.order_by("lease_until")[:_BATCH]:
        try:
            rescued += rescue(job, using=using)
        except DatabaseError as error:
            pass_over(job, error, using=using)
    if rescued.total:
        logger.warning(
            "jobs of dead workers: retried=%s failed=%s superseded=%s",
            rescued.retried,
            rescued.failed,
            rescued.superseded,
        )
    return rescued


def _any_expired(using: str) -> bool:
    # Asked once a second, as a rule in vain: by hand, at a fraction of the ORM's price.
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED.format(now=NOW_SQL[connection.vendor]), ())
        return cursor.fetchone() is not None


def pass_over(job: OutboxJob, error: DatabaseError, *, using: str) -> None:
    """
    Leave ``job`` to the next look, and go on with the others; raise when the database is away.

    As a rule somebody enqueues its key just now.
    """
    if is_conflict(error):
        return
    if not answers(using):
        raise error
    logger.error("job_id=%s could not be taken from its worker: %s", job.pk, error)


def rescue(job: OutboxJob, *, using: str, reason: str = "") -> Settled:
    """
    Take ``job`` from its worker, unless that one or another rescuer was faster.

    With a ``reason`` the worker is known to be dead, and its lease need not be over.

    In a transaction of its own: one around several jobs would hold locks on the twins of some
    while it waits for others, and a site's transaction could deadlock with it.
    """
    jobs = OutboxJob.objects.using(using)
    jobs = jobs if reason else jobs.expired()
    left = jobs.held(job.worker, job.claim_no, [job.pk])
    failure = Failure(error_type(LeaseLost), reason or SILENT.format(worker=job.worker))
    if job.attempts < job.max_attempts:
        settled = wait_again(job, left, failure=failure)
    else:
        settled = bury(job, failure, left)
    # Nothing is lost when another one rescues it.
    return dataclasses.replace(settled, lost=0)
