"""Sites that talk and no longer count."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, Q, QuerySet, Subquery

from django_job_automation.engine.limits import ZeroReadsLimits
from django_job_automation.engine.quality import METER_RESET
from django_job_automation.rule_settings import RuleSettings, ZeroReadsSettings
from django_job_automation.rules.base import Flag, Note, Scope
from django_job_automation.rules.wording import days, figure

__all__ = ["ZeroReads"]


class ZeroReads:
    """
    Flags sites whose register shows the same through the whole of ``days_to_check``.

    Two looks along the index of each site, at both ends of the window, leave those whose register
    has not risen; the database reads the windows of these alone. One that has fallen is noted.
    """

    name = "zero_reads"
    title = "Zero Reads"
    settings: type[RuleSettings] = ZeroReadsSettings

    def find(self, scope: Scope) -> Iterator[Flag | Note]:
        """Yield the flat sites, and notes on those that fell; asked in one statement."""
        limits = scope.flatness
        # The window is no condition of the statement: PostgreSQL would count it at every site
        # before it looks at the ends. Neither is the tolerance itself, which floats miss.
        high: Any = F("opskit_baseline")
        if limits.min_increase:
            high += 2 * limits.min_increase
        ends = _with_ends(scope, limits).filter(opskit_newest__lte=high)
        for site in _with_window(ends, scope, limits).iterator(chunk_size=2000):
            if _exact(site.opskit_baseline) - _exact(site.opskit_newest) > limits.min_increase:
                yield scope.note(
                    METER_RESET,
                    site,
                    f"Its register fell from {figure(site.opskit_baseline)} to "
                    f"{figure(site.opskit_newest)} within "
                    f"{days(scope.conf.ZERO_READS.days_to_check)}.",
                    baseline=figure(site.opskit_baseline),
                    newest=figure(site.opskit_newest),
                )
            elif (
                site.opskit_talks
                and (site.opskit_moments or 0) >= limits.readings
                and not _moves(site, limits)
            ):
                yield self._flag(scope, site, limits)

    def clean(self, scope: Scope, sites: Sequence[Any]) -> Iterator[Any]:
        """Yield those of these sites whose register moves, and was seen for all of the window."""
        limits = scope.flatness
        moving = _with_window(_with_ends(scope, limits), scope, limits).filter(
            Q(opskit_lowest__lt=F("opskit_baseline")) | Q(opskit_highest__gt=F("opskit_baseline")),
            opskit_talks=True,
            opskit_moments__gte=limits.readings,
            opskit_baseline__isnull=False,
        )
        return (site for site in scope.among(sites, moving) if _moves(site, limits))

    @staticmethod
    def _flag(scope: Scope, site: Any, limits: ZeroReadsLimits) -> Flag:
        limit = scope.conf.ZERO_READS.days_to_check
        return Flag(
            site_pk=site.pk,
            key=scope.key(site),
            label=scope.label(site),
            description=f"No generation increase for {days(limit)}",
            reason=(
                f"Its register has shown {figure(site.opskit_baseline)} for more than "
                f"{days(limit)}, at {site.opskit_moments} moments that were read, of which "
                f"{limits.readings} are enough."
            ),
            evidence={
                "baseline": figure(site.opskit_baseline),
                "lowest": figure(site.opskit_lowest),
                "highest": figure(site.opskit_highest),
                "moments": site.opskit_moments,
                "days_to_check": limit,
                "readings_to_compare": limits.readings,
                "min_increase": str(limits.min_increase),
            },
        )


def _exact(value: Any) -> Decimal:
    """Return a value as the definitions read it: as it is written."""
    return Decimal(str(value))


def _moves(site: Any, limits: ZeroReadsLimits) -> bool:
    """Return whether a window has left its baseline by more than the tolerance."""
    baseline = _exact(site.opskit_baseline)
    return (
        _exact(site.opskit_highest) - baseline > limits.min_increase
        or baseline - _exact(site.opskit_lowest) > limits.min_increase
    )


def _with_ends(scope: Scope, limits: ZeroReadsLimits) -> QuerySet[Any]:
    """Return the sites with their values at both ends of the window, and whether they talk."""
    talks = scope.readings(since=scope.as_of - scope.silence.threshold, until=scope.latest)
    value = scope.adapter.reading.value
    found: QuerySet[Any] = scope.sites.annotate(
        opskit_talks=Exists(talks),
        opskit_baseline=scope.newest(value, until=scope.as_of - limits.window),
        opskit_newest=scope.newest(value, until=scope.as_of),
    )
    return found


def _with_window(sites: QuerySet[Any], scope: Scope, limits: ZeroReadsLimits) -> QuerySet[Any]:
    """Return the sites with what their window holds."""
    fields = scope.adapter.reading
    start = scope.as_of - limits.window
    window = scope.readings(until=scope.as_of).filter(**{f"{fields.at}__gt": start})

    def of_window(aggregate: Any) -> Subquery:
        # Sliced, or Django takes it for a list.
        rows = window.values(fields.site).annotate(opskit_found=aggregate)
        return Subquery(rows.values("opskit_found")[:1])

    found: QuerySet[Any] = sites.annotate(
        opskit_moments=of_window(Count(fields.at, distinct=True)),
        opskit_lowest=of_window(Min(fields.value)),
        opskit_highest=of_window(Max(fields.value)),
    )
    return found
