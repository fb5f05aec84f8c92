"""Payloads that the monitoring server would not take: let the monitor offer them once more."""

from collections.abc import Iterable

from django.db import router

from django_health_check_job.models import Delivery

__all__ = ["send_again"]


def send_again(keys: Iterable[int]) -> int:
    """Let refused payloads wait like new ones, and return how many of these were refused."""
    rows = Delivery.objects.using(router.db_for_write(Delivery))
    return rows.filter(pk__in=list(keys), refused_at__isnull=False).update(refused_at=None)
