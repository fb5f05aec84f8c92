"""Why a site is flagged, or is not: its readings against the definitions of the rules."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from django_job_automation.adapters import ModelAdapter, get_adapter
from django_job_automation.engine.judging import (
    Flatness,
    Reading,
    Silence,
    judge_flat,
    judge_silent,
)
from django_job_automation.engine.limits import NoComsLimits, ZeroReadsLimits
from django_job_automation.engine.quality import faults
from django_job_automation.exceptions import UnknownSiteError
from django_job_automation.rules import Scope
from django_job_automation.rules.wording import moment
from django_job_automation.services.overrides import conf_of_site

__all__ = ["Explanation", "explain"]

_MOST_SHOWN = 20


@dataclass(frozen=True)
class Explanation:
    """
    What the rules see of one site.

    Attributes:
        obstacle: why no rule looks at it; "" when they do.
        baseline: the reading from before the window that the window is compared with.
        shown: the newest readings, those that do not count included.
        open_jobs: type and key of each.
        faults: what is wrong with its data.
    """

    key: str
    label: str
    as_of: datetime
    obstacle: str
    silence: Silence
    flatness: Flatness
    silence_limits: NoComsLimits
    flatness_limits: ZeroReadsLimits
    last_valid_at: datetime | None
    baseline: Reading | None
    in_window: int
    shown: tuple[Reading, ...]
    open_jobs: tuple[tuple[str, Any], ...]
    faults: tuple[str, ...]


def explain(key: str, *, as_of: datetime | None = None) -> Explanation:
    """
    Return what the rules see of a site at a moment; None: now.

    Raises:
        UnknownSiteError: there is no such site.
    """
    adapter = get_adapter()
    clock = timezone.now()
    now = as_of or clock
    site = None
    if not adapter.unknown([key]):
        site = adapter.all_sites().filter(**{adapter.site.key: key}).first()
    if site is None:
        raise UnknownSiteError([key])
    conf, store = conf_of_site(adapter, site.pk), adapter.store
    scope = Scope(adapter, conf, now, (key,), now=clock)
    limits = scope.flatness
    start = now - limits.window
    since = min(start, now - scope.silence.threshold)
    readings = _readings(adapter, site, since, scope.latest)
    older = _newest_before(adapter, site, since)
    known = [*readings, *older]
    before = [one for one in known if one.value is not None and one.at <= start]
    shown = tuple(_newest(adapter, site, scope.latest if scope.is_backtest else None))
    valid = [one.at for one in known if one.value is not None and one.at <= scope.latest]
    return Explanation(
        key=key,
        label=scope.label(site),
        as_of=now,
        obstacle="" if scope.sites.exists() else _obstacle(adapter, site, now),
        silence=judge_silent(
            known,
            scope.silence,
            as_of=now,
            commissioned_at=scope.commissioned_at(site),
        ),
        flatness=judge_flat(known, limits, scope.silence, as_of=now),
        silence_limits=scope.silence,
        flatness_limits=limits,
        last_valid_at=max(valid, default=None),
        baseline=max(before, key=lambda one: (one.at, one.value or 0), default=None),
        in_window=len({one.at for one in known if one.value is not None and start < one.at <= now}),
        shown=shown,
        # What lies ahead is among the newest.
        faults=tuple(sorted(faults([*known, *shown], scope.silence, limits, as_of=now))),
        open_jobs=tuple(
            store.open_rows()
            .filter(**{store.fields.site: site.pk})
            .order_by(store.fields.created_at, "pk")
            .values_list(store.fields.type, "pk")
        ),
    )


def _rows(adapter: ModelAdapter, site: Any) -> Any:
    fields = adapter.reading
    rows = adapter.all_readings().filter(**{fields.site: site.pk})
    return rows.order_by(f"-{fields.at}", f"-{fields.value}")


def _made(adapter: ModelAdapter, rows: Any) -> Iterable[Reading]:
    for at, value in rows.values_list(adapter.reading.at, adapter.reading.value):
        yield Reading(at, None if value is None else Decimal(str(value)))


def _readings(adapter: ModelAdapter, site: Any, since: datetime, until: datetime) -> list[Reading]:
    at = adapter.reading.at
    rows = _rows(adapter, site).filter(**{f"{at}__gt": since, f"{at}__lte": until})
    return list(_made(adapter, rows))


def _newest_before(adapter: ModelAdapter, site: Any, until: datetime) -> list[Reading]:
    """Return the newest valid reading up to a moment, as a list of one or none."""
    at, value = adapter.reading.at, adapter.reading.value
    rows = _rows(adapter, site).filter(**{f"{at}__lte": until, f"{value}__isnull": False})
    return list(_made(adapter, rows[:1]))


def _newest(adapter: ModelAdapter, site: Any, until: datetime | None) -> Iterable[Reading]:
    rows = _rows(adapter, site)
    if until is not None:
        rows = rows.filter(**{f"{adapter.reading.at}__lte": until})
    return _made(adapter, rows[:_MOST_SHOWN])


def _obstacle(adapter: ModelAdapter, site: Any, now: datetime) -> str:
    name = adapter.site.snoozed_until
    until = getattr(site, name) if name else None
    if until is not None and until > now:
        return f"snoozed until {moment(until)}"
    if adapter.all_sites().filter(adapter.in_window(now), pk=site.pk).exists():
        return "in a maintenance window"
    return "not among the sites that the adapter lets the rules look at, as an inactive one"
