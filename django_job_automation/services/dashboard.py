"""How it stands: open jobs by age, those of the last days, the last runs; in four statements."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.db import router
from django.db.models import Count, Q
from django.utils import timezone

from django_job_automation.adapters import JobFields, get_adapter
from django_job_automation.models import Run
from django_job_automation.rules import get_rules
from django_job_automation.services.overrides import effective

__all__ = ["AGES", "Dashboard", "Day", "RecentJob", "dashboard"]

#: Upper ends of ages in days; what is older is counted by itself.
AGES = (1, 7, 30)

_RECENT = 20
_RUNS = 10
_WEEK = 7


@dataclass(frozen=True)
class Day:
    """The jobs that were opened on one day of the reader's time zone, by rule."""

    day: date
    created: Mapping[str, int]


@dataclass(frozen=True)
class RecentJob:
    """One of the newest jobs."""

    id: Any
    site_id: str
    site_name: str
    job_type: str
    created_at: datetime
    status: str


@dataclass(frozen=True)
class Dashboard:
    """
    How it stands.

    Attributes:
        is_enabled: whether a rule is on, by rule.
        ages: open jobs by rule, those up to each of AGES and those beyond.
        days: the oldest first, today last.
        runs: the newest first, whatever came of them.
    """

    is_enabled: Mapping[str, bool]
    ages: Mapping[str, tuple[int, ...]]
    created_today: int
    created_week: int
    recent: tuple[RecentJob, ...]
    days: tuple[Day, ...]
    runs: tuple[Run, ...]

    @property
    def open(self) -> dict[str, int]:
        """Return the open jobs by rule."""
        return {name: sum(counts) for name, counts in self.ages.items()}

    @property
    def last_run(self) -> Run | None:
        """Return the newest run; None when there was none."""
        return self.runs[0] if self.runs else None


def dashboard(*, now: datetime, days: int = _WEEK) -> Dashboard:
    """Return how it stands; days begin at midnight of the active time zone."""
    adapter = get_adapter()
    conf = effective(adapter).conf
    types = {name: conf.rule(name).job_type_id for name in get_rules()}
    store = adapter.store
    fields = store.fields
    mine = store.rows().filter(**{f"{fields.type}__in": list(types.values())})
    counted = _by_day(mine, fields, types, now, max(days, _WEEK))
    label = adapter.site.label
    rows: Any = mine.select_related(fields.site).order_by(f"-{fields.created_at}", "-pk")[:_RECENT]
    return Dashboard(
        is_enabled={name: conf.rule(name).enabled for name in types},
        ages=_by_age(store.open_rows(), fields, types, now),
        created_today=sum(counted[-1].created.values()),
        created_week=sum(sum(one.created.values()) for one in counted[-_WEEK:]),
        recent=tuple(
            RecentJob(
                id=row.pk,
                site_id=str(getattr(site, adapter.site.key)),
                site_name=str(getattr(site, label) or "") if label else "",
                job_type=getattr(row, fields.type),
                created_at=getattr(row, fields.created_at),
                status=getattr(row, fields.status),
            )
            for row in rows
            for site in (getattr(row, fields.site),)
        ),
        days=tuple(counted[-days:]),
        runs=tuple(Run.objects.using(router.db_for_write(Run)).order_by("-pk")[:_RUNS]),
    )


def _by_age(
    open_jobs: Any, fields: JobFields, types: Mapping[str, str], now: datetime
) -> dict[str, tuple[int, ...]]:
    """Count the open jobs of each rule by their age."""
    at = fields.created_at
    ends = [now - timedelta(days=days) for days in AGES]
    ages = [
        Q(**{f"{at}__gte": ends[0]}),
        *(Q(**{f"{at}__gte": older, f"{at}__lt": younger}) for younger, older in pairwise(ends)),
        Q(**{f"{at}__lt": ends[-1]}),
    ]
    counts = {
        f"{name}_{index}": Count("pk", filter=Q(**{fields.type: kind}) & age)
        for name, kind in types.items()
        for index, age in enumerate(ages)
    }
    found = open_jobs.order_by().aggregate(**counts)
    return {name: tuple(found[f"{name}_{index}"] for index in range(len(ages))) for name in types}


def _by_day(
    jobs: Any, fields: JobFields, types: Mapping[str, str], now: datetime, count: int
) -> list[Day]:
    """Count the jobs of each day by its two midnights, which an index finds."""
    today = timezone.localtime(now).date()
    dates = [today - timedelta(days=back) for back in reversed(range(count))]
    # Not 24 hours apart where the clocks change.
    midnights = [_midnight(one) for one in (*dates, today + timedelta(days=1))]
    counts = {
        f"{name}_{index}": Count(
            "pk",
            filter=Q(
                **{
                    fields.type: kind,
                    f"{fields.created_at}__gte": midnights[index],
                    f"{fields.created_at}__lt": midnights[index + 1],
                }
            ),
        )
        for index in range(count)
        for name, kind in types.items()
    }
    since = {f"{fields.created_at}__gte": midnights[0]}
    found = jobs.filter(**since).order_by().aggregate(**counts)
    return [
        Day(day, {name: found[f"{name}_{index}"] for name in types})
        for index, day in enumerate(dates)
    ]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
