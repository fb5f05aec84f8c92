"""Deleting jobs by hand."""

from collections.abc import Collection

from django.db import transaction

from django_outbox.models import JobStatus, OutboxAttempt, OutboxJob

__all__ = ["remove"]

# A statement has room for so many values, and should not lock the table for long.
_CHUNK = 1000


def remove(ids: Collection[int], *, using: str) -> int:
    """Delete jobs and what is kept of their attempts, but none in progress; return how many."""
    wanted = sorted(ids)
    count = 0
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        jobs = OutboxJob.objects.using(using).filter(pk__in=chunk)
        with transaction.atomic(using=using):
            count += jobs.exclude(status=JobStatus.IN_PROGRESS).delete()[0]
            left = set(jobs.values_list("pk", flat=True))
            OutboxAttempt.objects.using(using).filter(job_id__in=set(chunk) - left).delete()
    return count
