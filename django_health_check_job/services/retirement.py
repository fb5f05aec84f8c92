"""
Take checks out of the site's state that nobody runs any more; their results stay.

The next result of a retired check brings it back.
"""

from collections.abc import Iterable, Set

from django.db import router
from django.utils import timezone

from django_health_check_job.models import Check

__all__ = ["retire", "retire_unlisted"]


def retire(keys: Iterable[int]) -> int:
    """Retire the checks with these keys, and return how many were not retired before."""
    rows = Check.objects.using(router.db_for_write(Check))
    return rows.filter(pk__in=list(keys), retired_at=None).update(retired_at=timezone.now())


def retire_unlisted(listed: Set[str], *, using: str) -> None:
    """Retire the checks of this site with other names than these."""
    rows = Check.objects.using(using).filter(source="", retired_at=None)
    rows.exclude(name__in=listed).update(retired_at=timezone.now())
