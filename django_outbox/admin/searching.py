"""What may be typed into the search box of the jobs."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from django_outbox.models import OutboxJob

__all__ = ["HELP", "find"]

HELP = _(
    "A job's number, a whole dedup key, or the beginning of a job type; a whole group key "
    "after “group:”."
)


def find(jobs: QuerySet[Any], term: str) -> QuerySet[Any]:
    """
    Return those of ``jobs`` that the term means.

    Numbers and dedup keys have an index over all jobs. Groups have one over those that are not
    finished, and job types none: they are looked for page by page.
    """
    term = term.strip()
    number = term.removeprefix("#")
    if number.isascii() and number.isdigit():
        return jobs.filter(Q(pk=int(number)) | Q(dedup_key=term))
    # A key may look like anything, so that an existing one comes first.
    if OutboxJob.objects.using(jobs.db).filter(dedup_key=term).exists():
        return jobs.filter(dedup_key=term)
    word, _colon, value = term.partition(":")
    if word == "group" and value:
        return jobs.filter(group_key=value.strip())
    return jobs.filter(job_type__startswith=term)
