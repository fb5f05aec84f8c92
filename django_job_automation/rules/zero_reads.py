"""Sites that talk and no longer count."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, Q, QuerySet, Subquery

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
        limits = scope.flatness
        limit = scope.conf.ZERO_READS.days_to_check
        for site in self._flat(scope, limits).iterator(chunk_size=2000):
            yield Flag(
                site_pk=site.pk,
                key=str(getattr(site, scope.adapter.site.key)),
                label=scope.label(site),
                description=f"No generation increase for {days(limit)}",
                reason=(
                    f"Its register has shown {site.baseline} for more than {days(limit)}, at "
                    f"{site.moments} moments that were read, of which {limits.readings} are enough."
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

    def clean(self, scope: Scope) -> QuerySet[Any]:
        """Return the sites whose register moves, and was seen for the whole of the window."""
        limits = scope.flatness
        low, high = self._bounds(limits)
        moved = Q(lowest__lt=low) | Q(highest__gt=high)
        seen = self._with_window(self._ends(scope, limits), scope, limits).filter(
            moments__gte=limits.readings
        )
        found: QuerySet[Any] = seen.filter(moved, baseline__isnull=False)
        return found

    @staticmethod
    def _bounds(limits: ZeroReadsLimits) -> tuple[Any, Any]:
        """Return between which values a register stands still."""
        if not limits.min_increase:
            return F("baseline"), F("baseline")
        return F("baseline") - limits.min_increase, F("baseline") + limits.min_increase

    def _flat(self, scope: Scope, limits: ZeroReadsLimits) -> QuerySet[Any]:
        low, high = self._bounds(limits)
        # With a tolerance the databases ask for the baseline again and again: only when needed.
        ends = {"newest__gte": low, "newest__lte": high}
        if not limits.min_increase:
            ends = {"newest": low}
        standing = self._with_window(self._ends(scope, limits).filter(**ends), scope, limits)
        found: QuerySet[Any] = standing.filter(
            moments__gte=limits.readings, lowest__gte=low, highest__lte=high
        )
        return found

    def _ends(self, scope: Scope, limits: ZeroReadsLimits) -> QuerySet[Any]:
        """Return the sites that talk, with their values at both ends of the window."""
        talks = scope.readings(since=scope.as_of - scope.silence.threshold, until=scope.latest)
        found: QuerySet[Any] = scope.sites.filter(Exists(talks)).annotate(
            baseline=self._newest(scope, scope.as_of - limits.window),
            newest=self._newest(scope, scope.as_of),
        )
        return found

    @staticmethod
    def _newest(scope: Scope, until: datetime) -> Subquery:
        at, value = scope.adapter.reading.at, scope.adapter.reading.value
        # Of two at one moment the higher: what the index has, and the same on each database.
        rows = scope.readings(until=until).order_by(f"-{at}", f"-{value}")
        return Subquery(rows.values(value)[:1])

    @staticmethod
    def _with_window(sites: QuerySet[Any], scope: Scope, limits: ZeroReadsLimits) -> QuerySet[Any]:
        fields = scope.adapter.reading
        start = scope.as_of - limits.window
        window = scope.readings(until=scope.as_of).filter(**{f"{fields.at}__gt": start})

        def of_window(aggregate: Any) -> Subquery:
            # Sliced, or Django takes it for a list.
            rows = window.values(fields.site).annotate(found=aggregate)
            return Subquery(rows.values("found")[:1])

        found: QuerySet[Any] = sites.annotate(
            moments=of_window(Count(fields.at, distinct=True)),
            lowest=of_window(Min(fields.value)),
            highest=of_window(Max(fields.value)),
        )
        return found
