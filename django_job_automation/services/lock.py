"""
One run at a time: the row of the run that works is the lock.

Its key is unique while it works, so that the database lets no second one begin. A run whose process
has died is known at once on the same host, and on another one when its time is over; then it is
marked as interrupted and the new one begins. Whatever a dead run has written is whole: it writes
in one transaction, which also ends it.
"""

import logging
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, connections, transaction

from django_job_automation.exceptions import RunLockedError
from django_job_automation.models import ACTIVE, Run
from django_opskit.clock import ServerTime
from django_opskit.conflicts import is_conflict
from django_opskit.identity import is_known_dead, process_name

__all__ = ["begin", "end"]

logger = logging.getLogger("job_automation")

_ATTEMPTS = 5


def begin(
    *,
    started_by: str,
    started_at: datetime,
    as_of: datetime,
    settings: dict[str, Any],
    seconds: float,
    using: str,
) -> Run:
    """
    Begin a run, and lock out others.

    Raises:
        RunLockedError: another run is at work.
        IntegrityError: the database takes no such run.
    """
    runs = Run.objects.using(using)
    others = 0
    refusals: list[DatabaseError] = []
    for _attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic(using=using):
                return runs.create(
                    active=ACTIVE,
                    holder=process_name(),
                    expires_at=ServerTime(seconds),
                    started_by=started_by[:200],
                    started_at=started_at,
                    as_of=as_of,
                    settings=settings,
                )
        except IntegrityError as error:
            refusals.append(error)
        except OperationalError as error:
            # Of several that wait for the end of a run MariaDB lets all but one give way.
            if not is_conflict(error) or connections[using].in_atomic_block:
                raise
            refusals.append(error)
            others += 1
        other = runs.filter(active=ACTIVE).first()
        others += other is not None
        if other is not None and not _takes_over(other, using):
            raise RunLockedError(other.pk, other.started_by)
    if not others:
        # Nobody held the lock: it was something else that the database did not take.
        raise refusals[-1]
    raise RunLockedError(0, "others, one after the other")


def end(
    run: Run,
    *,
    outcome: Run.Outcome,
    duration_seconds: float,
    counters: dict[str, Any],
    error: str,
    using: str,
) -> bool:
    """End a run, in the caller's transaction; False when another had taken it for dead."""
    mine = Run.objects.using(using).filter(pk=run.pk, active=ACTIVE)
    return bool(
        mine.update(
            active=None,
            outcome=outcome,
            duration_seconds=duration_seconds,
            counters=counters,
            error=error,
        )
    )


def _takes_over(other: Run, using: str) -> bool:
    """Mark a run as interrupted whose process is gone; False when it may be at work."""
    rows = Run.objects.using(using).filter(pk=other.pk, active=ACTIVE)
    if not is_known_dead(other.holder):
        rows = rows.filter(expires_at__lte=ServerTime(-0.001))
    taken = rows.update(
        active=None, outcome=Run.Outcome.INTERRUPTED, error="Its process ended before it did."
    )
    if taken:
        logger.warning("run=%s of %s was interrupted", other.pk, other.started_by)
    return bool(taken) or not Run.objects.using(using).filter(pk=other.pk, active=ACTIVE).exists()
