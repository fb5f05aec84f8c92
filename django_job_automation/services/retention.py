"""Forget runs, and what they found, after their time; jobs stay."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import router, transaction

from django_job_automation.models import Finding, Run

__all__ = ["Forgotten", "forget"]

_RUNS_AT_ONCE = 20


@dataclass(frozen=True)
class Forgotten:
    """How many rows were deleted, or would be."""

    runs: int = 0
    findings: int = 0


def forget(*, keep_days: float, now: datetime, dry_run: bool = False) -> Forgotten:
    """Delete the runs that began before so many days, a few in one transaction."""
    using = router.db_for_write(Run)
    old = Run.objects.using(using).filter(
        started_at__lt=now - timedelta(days=keep_days), active=None
    )
    findings = Finding.objects.using(using)
    if dry_run:
        return Forgotten(old.count(), findings.filter(run__in=old).count())
    runs = found = 0
    while keys := list(old.order_by("pk").values_list("pk", flat=True)[:_RUNS_AT_ONCE]):
        with transaction.atomic(using=using):
            found += findings.filter(run_id__in=keys).delete()[0]
            runs += old.filter(pk__in=keys).delete()[0]
    return Forgotten(runs, found)
