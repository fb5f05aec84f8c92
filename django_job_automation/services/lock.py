"""
One run at a time: the row of the run that works is the lock.

Its key is unique while it works, so that the database lets no second one begin. A run whose process
has died is known at once on the same host, and on another one when its time is over; then it is
marked as interrupted and the new one begins. Whatever a dead run has written is whole: it writes
in one transaction, which also ends it.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, OperationalError, connections, transaction

from django_job_automation.exceptions import RunLockedError
from django_job_automation.models import ACTIVE, Run
from django_opskit.clock import ServerTime
from django_opskit.conflicts import is_conflict
from django_opskit.identity import is_known_dead, process_name

__all__ = ["begin", "end"]

logger = logging.getLogger("job_automation")

_ATTEMPTS = 5

T = TypeVar("T")


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
    refusals = []
    for _attempt in range(_ATTEMPTS):
        try:
            run = _unless_it_gives_way(
                lambda: runs.create(
                    active=ACTIVE,
                    holder=process_name(),
                    expires_at=ServerTime(seconds),
                    started_by=started_by[:200],
                    started_at=started_at,
                    as_of=as_of,
                    settings=settings,
                ),
                using,
            )
            if run is not None:
                return run
            others += 1
        except IntegrityError as error:
            refusals.append(error)
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
    active = Run.objects.using(using).filter(pk=other.pk, active=ACTIVE)
    rows = active
    if not is_known_dead(other.holder):
        rows = active.filter(expires_at__lte=ServerTime(-0.001))
    taken = 0
    # Looked for first: on MariaDB an update that finds no row has locked some all the same.
    if rows.exists():
        ended = {
            "active": None,
            "outcome": Run.Outcome.INTERRUPTED,
            "error": "Its process ended before it did.",
        }
        taken = _unless_it_gives_way(lambda: rows.update(**ended), using) or 0
    if taken:
        logger.warning("run=%s of %s was interrupted", other.pk, other.started_by)
    return bool(taken) or not active.exists()


def _unless_it_gives_way(work: Callable[[], T], using: str) -> T | None:
    """
    Return what ``work`` returns, a transaction; None where it was undone for another's sake.

    Of several that wait for the end of a run MariaDB lets all but one give way.
    """
    try:
        with transaction.atomic(using=using):
            return work()
    except OperationalError as error:
        if not is_conflict(error) or connections[using].in_atomic_block:
            raise
    return None
