"""
What is stored, as readers want it: where each check stands now, and how it went before.

A result that is older than its time says nothing any more. Whoever reads it then is told UNKNOWN,
since when, and not the last good news of a monitor that has died.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Sum

from django_health_check_job.engine.outcome import State
from django_health_check_job.models import Check, HeathCheckJob, MonitorLease, Rollup, StateChange
from django_health_check_job.services.lease import NAME
from django_health_check_job.services.rollups import bucket_start

__all__ = [
    "CheckNow",
    "Uptime",
    "buckets",
    "check_now",
    "checks_now",
    "latest_results",
    "monitor_is_alive",
    "overall",
    "recent_changes",
    "uptimes",
]


@dataclass(frozen=True)
class CheckNow:
    """
    One check as it has to be shown at this moment.

    Attributes:
        state: where it stands; UNKNOWN when nothing was heard of it for too long.
        since: when that began, or when the last result became stale.
        is_stale: the stored result is too old to say anything.
        age_seconds: how old it is; None before the first one.
    """

    pk: int
    source: str
    name: str
    slug: str
    critical: bool
    state: State
    since: datetime | None
    message: str
    duration_seconds: float | None
    last_at: datetime | None
    age_seconds: float | None
    is_stale: bool
    last_state: State

    @property
    def is_healthy(self) -> bool:
        """Return whether the site may call itself healthy with this check."""
        return self.state.works or not self.critical


@dataclass(frozen=True)
class Uptime:
    """The share of results in which a check worked, from 0 to 1; None without results."""

    share: float | None
    results: int


def checks_now(
    *, now: datetime, source: str | None = None, slugs: Sequence[str] | None = None
) -> list[CheckNow]:
    """
    Return the checks that are listed, this site's first, in one query.

    Args:
        now: ages count from here.
        source: of this site only (""), or of the site with this id; None for all.
        slugs: these only.
    """
    rows = Check.objects.filter(retired_at=None).order_by("source", "pk")
    if source is not None:
        rows = rows.filter(source=source)
    if slugs is not None:
        rows = rows.filter(slug__in=slugs)
    return [check_now(row, now=now) for row in rows]


def overall(checks: Iterable[CheckNow]) -> State:
    """Return the worst state among the critical checks; UNKNOWN without any check."""
    states = [check.state for check in checks if check.critical]
    return max(states, key=lambda state: state.severity, default=State.UNKNOWN)


def monitor_is_alive(*, now: datetime) -> bool:
    """Return whether some monitor holds the lease."""
    return MonitorLease.objects.filter(name=NAME, expires_at__gt=now).exists()


def latest_results(check: int, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Return a check's results, the newest first, along its index."""
    rows = HeathCheckJob.objects.filter(check_row_id=check)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    fields = ("id", "round", "state", "status", "message", "duration_seconds", "checked_at")
    # In the order of the index; "-id" alone makes SQLite walk the whole table backwards.
    return list(rows.order_by("-check_row_id", "-id").values(*fields)[:limit])


def buckets(check: int, span: Rollup.Span, *, since: datetime) -> list[Rollup]:
    """Return a check's hours or days, the oldest first; those without results are not there."""
    rows = Rollup.objects.filter(check_row_id=check, span=span, starts_at__gte=since)
    return list(rows.order_by("starts_at"))


def uptimes(checks: Sequence[int], *, now: datetime, days: int) -> dict[int, Uptime]:
    """
    Return the uptime of each check over the last days, in one query.

    One day is counted by its hours; more are counted by whole days of UTC, which are fewer rows
    and are kept for longer. WARN counts as working. UNKNOWN counts neither way: nobody had looked.
    """
    span = Rollup.Span.HOUR if days == 1 else Rollup.Span.DAY
    since = bucket_start(now - timedelta(days=days), span)
    sums = (
        Rollup.objects.filter(check_row__in=checks, span=span, starts_at__gte=since)
        .order_by()
        .values("check_row_id")
        .annotate(worked=Sum(F("ups") + F("warns")), failed=Sum("downs"))
        .values_list("check_row_id", "worked", "failed")
    )
    found = {pk: Uptime(None, 0) for pk in checks}
    for pk, worked, failed in sums:
        if seen := worked + failed:
            found[pk] = Uptime(worked / seen, seen)
    return found


def recent_changes(
    *,
    limit: int,
    check: int | None = None,
    before: int | None = None,
    news_only: bool = False,
) -> list[StateChange]:
    """
    Return changes of state, the newest first, with their checks.

    ``news_only`` leaves out that a check works when it is seen for the first time.
    """
    rows = StateChange.objects.select_related("check_row").order_by("-pk")
    if check is not None:
        rows = rows.filter(check_row_id=check)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    if news_only:
        rows = rows.exclude(is_first=True, new=State.UP.value)
    return list(rows[:limit])


def check_now(row: Check, *, now: datetime) -> CheckNow:
    """Return one check as it has to be shown at this moment."""
    age = None if row.last_at is None else max(0.0, (now - row.last_at).total_seconds())
    is_stale = age is not None and age > row.stale_after_seconds
    state, since, message = State(row.state), row.since, row.last_message
    if is_stale and row.last_at is not None:
        state = State.UNKNOWN
        since = row.last_at + timedelta(seconds=row.stale_after_seconds)
        message = f"no result for {age:.0f} s; the last one was {row.last_state}"
    return CheckNow(
        pk=row.pk,
        source=row.source,
        name=row.name,
        slug=row.slug,
        critical=row.critical,
        state=state,
        since=since,
        message=message,
        duration_seconds=row.last_duration_seconds,
        last_at=row.last_at,
        age_seconds=age,
        is_stale=is_stale,
        last_state=State(row.last_state),
    )
