"""Tell the listeners of a change of state, once."""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db import router
from django.utils import timezone

from django_health_check_job.conf import get_published
from django_health_check_job.engine.outcome import State
from django_health_check_job.engine.round import Change
from django_health_check_job.models import StateChange
from django_health_check_job.signals import state_changed

__all__ = ["announce", "announce_waiting", "send"]

logger = logging.getLogger(__name__)

# Whoever wrote it is about to announce it.
_LEFT_ALONE = timedelta(seconds=30)


def send(changes: Iterable[Change]) -> None:
    """Send the signal for each change; a receiver that fails does not stop the others."""
    for change in changes:
        level = logging.INFO if change.new.works else logging.WARNING
        logger.log(level, "check=%r old=%s new=%s", change.name, change.old.value, change.new.value)
        answers = state_changed.send_robust(
            sender=StateChange,
            source=change.source,
            check=change.name,
            slug=change.slug,
            critical=change.critical,
            old=change.old.value,
            new=change.new.value,
            at=change.at,
            message=change.message,
            is_first=change.is_first,
        )
        for receiver, answer in answers:
            if isinstance(answer, Exception):
                # The type alone: the text may hold anything.
                logger.error("receiver=%r failed: %s", receiver, type(answer).__name__)


def announce(keys: Sequence[int], *, using: str | None = None) -> None:
    """Send the signals of stored changes, and note that they were sent."""
    using = using or router.db_for_write(StateChange)
    rows = StateChange.objects.using(using).filter(pk__in=keys, announced_at=None)
    changes = list(rows.select_related("check_row").order_by("pk"))
    if not changes:
        return
    send(
        Change(
            name=row.check_row.name,
            slug=row.check_row.slug,
            critical=row.check_row.critical,
            old=State(row.old),
            new=State(row.new),
            at=row.at,
            message=row.message,
            is_first=row.is_first,
            source=row.check_row.source,
        )
        for row in changes
    )
    sent = StateChange.objects.using(using).filter(pk__in=[row.pk for row in changes])
    if get_published().PERSIST_HEALTH_CHECK_DATA:
        sent.update(announced_at=timezone.now())
    else:
        # Without history nothing is kept that nobody waits for.
        sent.delete()


def announce_waiting(*, using: str | None = None) -> None:
    """Send what a process wrote down and did not live to announce."""
    using = using or router.db_for_write(StateChange)
    waiting = StateChange.objects.using(using).filter(
        announced_at=None, at__lt=timezone.now() - _LEFT_ALONE
    )
    announce(list(waiting.order_by("pk").values_list("pk", flat=True)[:1000]), using=using)
