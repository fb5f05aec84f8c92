"""What a network's reports came to, month by month, and the lists behind the last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet

from django_network_hc.models import Case, HealthCheckSession, Network
from django_network_hc.services.reports import last_session

__all__ = [
    "MOST_MONTHS",
    "Month",
    "NetworkNow",
    "busy_sessions",
    "cases_of",
    "network_now",
    "trend",
]

MOST_MONTHS = 24
Status = HealthCheckSession.Status


@dataclass(frozen=True)
class Month:
    """What one report came to."""

    session: HealthCheckSession
    day: date
    open: int
    new: int
    closed: int
    reopened: int
    covered: int
    total: int

    @property
    def covered_percent(self) -> float | None:
        """Return how many of a hundred nodes were covered; None where there are no nodes."""
        return 100 * self.covered / self.total if self.total else None


@dataclass(frozen=True)
class NetworkNow:
    """How a network stands; ``last`` is None before its first report."""

    network: Network
    last: HealthCheckSession | None
    open: int
    closed: int
    nodes: int
    oldest_open_on: date | None


def network_now(network: Network) -> NetworkNow:
    """Count what there is."""
    counted = network.cases.aggregate(
        open=Count("pk", filter=Q(state=Case.State.OPEN)),
        closed=Count("pk", filter=Q(state=Case.State.CLOSED)),
    )
    still = network.cases.filter(state=Case.State.OPEN, found_on__isnull=False)
    return NetworkNow(
        network=network,
        last=last_session(network),
        open=counted["open"],
        closed=counted["closed"],
        nodes=network.nodes.count(),
        oldest_open_on=still.order_by("found_on").values_list("found_on", flat=True).first(),
    )


def trend(network: Network, *, until: date | None = None, most: int = MOST_MONTHS) -> list[Month]:
    """Return the last reports of a network, the oldest first, up to that of a day."""
    done = network.sessions.filter(status=Status.COMPLETED, report_on__isnull=False)
    if until is not None:
        done = done.filter(report_on__lte=until)
    found = [
        Month(
            session=one,
            day=one.day,
            open=one.counts.get("open_after", 0),
            new=one.counts.get("new", 0),
            closed=one.counts.get("closed", 0),
            reopened=one.counts.get("reopened", 0),
            covered=one.coverage.get("covered", 0),
            total=one.coverage.get("total", 0),
        )
        for one in done.order_by("-report_on", "-pk")[:most]
    ]
    return found[::-1]


def cases_of(session: HealthCheckSession) -> dict[str, QuerySet[Case]]:
    """Return the cases that a session has opened, closed, closed unverified and reopened."""
    opened = Case.objects.filter(opened_by=session).order_by("pk")
    closed = Case.objects.filter(closed_by=session).order_by("pk")
    return {
        "new": opened,
        "closed": closed.filter(is_unverified=False),
        "unverified": closed.filter(is_unverified=True),
        "reopened": opened.filter(reopens__isnull=False),
    }


def busy_sessions(network: Network) -> Sequence[HealthCheckSession]:
    """Return the sessions of a network that wait or are at work."""
    return list(network.sessions.filter(status__in=(Status.PENDING, Status.PROCESSING))[:20])
