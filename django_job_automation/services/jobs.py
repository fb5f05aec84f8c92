"""What people do with jobs and sites."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from django_job_automation.models import OPEN_STATUSES, Job, Site

__all__ = ["Reopened", "close", "reopen", "snooze"]


@dataclass(frozen=True)
class Reopened:
    """How many jobs are open again, and how many are not, since a newer one is."""

    opened: int
    refused: int


def close(keys: Iterable[int]) -> int:
    """Close jobs that are open, and return how many were."""
    rows = Job.objects.using(router.db_for_write(Job))
    return rows.filter(pk__in=list(keys), status__in=OPEN_STATUSES).update(
        status="closed", closed_at=timezone.now()
    )


def reopen(keys: Iterable[int]) -> Reopened:
    """Open closed jobs again, but for those whose site has an open one of the type."""
    using = router.db_for_write(Job)
    rows = Job.objects.using(using).filter(status="closed")
    opened = refused = 0
    for key in rows.filter(pk__in=list(keys)).order_by("pk").values_list("pk", flat=True):
        try:
            with transaction.atomic(using=using):
                opened += rows.filter(pk=key).update(status="open", closed_at=None)
        except IntegrityError:
            refused += 1
    return Reopened(opened, refused)


def snooze(keys: Iterable[int], *, until: datetime | None) -> int:
    """Let no rule look at these sites until a moment, or again with None; return how many."""
    rows = Site.objects.using(router.db_for_write(Site))
    return rows.filter(pk__in=list(keys)).update(snoozed_until=until)
