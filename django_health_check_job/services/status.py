"""All that the status page says, in a number of queries that grows with nothing."""

from dataclasses import dataclass
from datetime import datetime

from django_health_check_job.engine.outcome import State
from django_health_check_job.models import Delivery, MonitorLease, Sender, StateChange
from django_health_check_job.services import reading
from django_health_check_job.services.lease import NAME

__all__ = ["SiteStatus", "Unsent", "site_status"]

_MOST_CHANGES = 10
_MOST_SENDERS = 100
# More than this is said as "more than".
_MOST_COUNTED = 1000


@dataclass(frozen=True)
class Unsent:
    """How many payloads wait for the monitoring server; more than 1,000 are not counted."""

    waiting: int
    refused: int

    @property
    def is_more(self) -> bool:
        """Return whether there are more than the numbers say."""
        return max(self.waiting, self.refused) > _MOST_COUNTED


@dataclass(frozen=True)
class SiteStatus:
    """
    What is known at one moment.

    Attributes:
        state: the worst among this site's critical checks.
        checks: this site's first, and in each site the worst first.
        monitor: who leads or led last; None when no monitor ever did.
        monitor_is_alive: whether it still does.
        day: uptimes of the last 24 hours, by the key of the check.
        month: those of the last 30 days.
        changes: the newest first.
        senders: other sites that have sent, those that are silent for longest first.
    """

    at: datetime
    state: State
    checks: list[reading.CheckNow]
    monitor: MonitorLease | None
    monitor_is_alive: bool
    day: dict[int, reading.Uptime]
    month: dict[int, reading.Uptime]
    changes: list[StateChange]
    senders: list[Sender]
    unsent: Unsent


def site_status(*, now: datetime) -> SiteStatus:
    """Return what is known now."""
    checks = reading.checks_now(now=now)
    keys = [one.pk for one in checks]
    lease = MonitorLease.objects.filter(name=NAME).first()
    return SiteStatus(
        at=now,
        state=reading.overall(one for one in checks if not one.source),
        checks=sorted(checks, key=lambda one: (one.source, -one.state.severity, one.name)),
        monitor=lease,
        monitor_is_alive=lease is not None and lease.expires_at > now,
        day=reading.uptimes(keys, now=now, days=1),
        month=reading.uptimes(keys, now=now, days=30),
        changes=reading.recent_changes(limit=_MOST_CHANGES, news_only=True),
        senders=list(Sender.objects.order_by("last_seen_at")[:_MOST_SENDERS]),
        unsent=Unsent(waiting=_count(refused=False), refused=_count(refused=True)),
    )


def _count(*, refused: bool) -> int:
    rows = Delivery.objects.filter(refused_at__isnull=not refused)
    return len(rows.order_by().values_list("pk", flat=True)[: _MOST_COUNTED + 1])
