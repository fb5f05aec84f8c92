"""Sites that talk and no longer count."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, QuerySet, Subquery

from django_job_automation.engine.limits import ZeroReadsLimits
from django_job_automation.rules.base import Flag, Scope
from django_job_automation.rules.wording import days

__all__ = ["ZeroReads"]


class ZeroReads:
    """
    Flags sites whose register shows the same through the whole of ``days_to_check``.

    Two looks along the index find the sites whose newest reading equals the one before the window;
    only their windows are read.
    """

    name = "zero_reads"
    title = "Zero Reads"

    def find(self, scope: Scope) -> Iterator[Flag]:
        """Yield the flat sites; asked in one statement."""
        conf = scope.conf.ZERO_READS
        limits = ZeroReadsLimits(
            window=timedelta(days=conf.days_to_check),
            readings=conf.readings_to_compare,
            min_increase=Decimal(str(conf.min_increase)),
        )
        limit = conf.days_to_check
        for site in self._flat(scope, limits).iterator(chunk_size=2000):
            yield Flag(
                site_pk=site.pk,
                key=str(getattr(site, scope.adapter.site.key)),
                label=scope.label(site),
                description=f"No generation increase for {days(limit)}",
                reason=(
                    f"Its register shows {site.baseline} since more than {days(limit)}, at "
                    f"{site.moments} moments that were read; the limit is {limits.readings}."
                ),
                evidence={
                    "baseline": str(site.baseline),
                    "lowest": str(site.lowest),
                    "highest": str(site.highest),
                    "moments": site.moments,
                    "days_to_check": limit,
                    "readings_to_compare": limits.readings,
                    "min_increase": str(limits.min_increase),
                },
            )

    def _flat(self, scope: Scope, limits: ZeroReadsLimits) -> QuerySet[Any]:
        at, value = scope.adapter.reading.at, scope.adapter.reading.value
        start = scope.as_of - limits.window
        window = scope.readings(until=scope.as_of).filter(**{f"{at}__gt": start})
        talks = scope.readings(since=scope.as_of - scope.silence.threshold, until=scope.latest)

        def newest(rows: QuerySet[Any]) -> Subquery:
            # Of two at one moment the higher: what the index has, and the same on each database.
            return Subquery(rows.order_by(f"-{at}", f"-{value}").values(value)[:1])

        def of_window(aggregate: Any) -> Subquery:
            site = scope.adapter.reading.site
            # Sliced, or Django takes it for a list.
            return Subquery(window.values(site).annotate(found=aggregate).values("found")[:1])

        sites = scope.sites.filter(Exists(talks)).annotate(
            baseline=newest(scope.readings(until=start)),
            newest=newest(scope.readings(until=scope.as_of)),
        )
        low: Any = F("baseline")
        high: Any = F("baseline")
        # With a tolerance the databases ask for the baseline again and again: only when needed.
        if limits.min_increase:
            low = F("baseline") - limits.min_increase
            high = F("baseline") + limits.min_increase
            sites = sites.filter(newest__gte=low, newest__lte=high)
        else:
            sites = sites.filter(newest=F("baseline"))
        found: QuerySet[Any] = sites.annotate(
            moments=of_window(Count(at, distinct=True)),
            lowest=of_window(Min(value)),
            highest=of_window(Max(value)),
        ).filter(moments__gte=limits.readings, lowest__gte=low, highest__lte=high)
        return found
