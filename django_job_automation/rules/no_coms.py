"""Sites that have stopped talking."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Exists, Q, QuerySet, Subquery

from django_job_automation.rules.base import Flag, Scope
from django_job_automation.rules.wording import days, moment

__all__ = ["NoComs"]


class NoComs:
    """Flags sites without a valid reading since ``days_threshold``."""

    name = "no_coms"
    title = "No Coms"

    def find(self, scope: Scope) -> Iterator[Flag]:
        """Yield the silent sites; asked in one statement."""
        cutoff = scope.as_of - scope.silence.threshold
        at = scope.adapter.reading.at
        # NOT EXISTS: one reading without a site would make NOT IN find nothing, for ever.
        silent = scope.sites.filter(~Exists(scope.readings(since=cutoff, until=scope.latest)))
        known = scope.readings(until=scope.latest)
        silent = silent.filter(Q(Exists(known)) | scope.is_old(cutoff)).annotate(
            last_reading_at=Subquery(known.order_by(f"-{at}").values(at)[:1])
        )
        limit = scope.conf.NO_COMS.days_threshold
        for site in silent.iterator(chunk_size=2000):
            yield self._flag(site, site.last_reading_at, scope, limit)

    def clean(self, scope: Scope) -> QuerySet[Any]:
        """Return the sites that talk."""
        cutoff = scope.as_of - scope.silence.threshold
        return scope.sites.filter(Exists(scope.readings(since=cutoff, until=scope.latest)))

    def _flag(self, site: Any, last: datetime | None, scope: Scope, limit: float) -> Flag:
        evidence: dict[str, Any] = {
            "last_reading_at": None if last is None else last.isoformat(),
            "days_threshold": limit,
        }
        if last is None:
            reason = f"It was never read; the limit is {days(limit)}."
        else:
            silent_days = (scope.as_of - last).total_seconds() / 86_400
            evidence["silent_days"] = round(silent_days, 3)
            reason = (
                f"Its last reading is of {moment(last)}, {silent_days:.1f} days before; "
                f"the limit is {days(limit)}."
            )
        return Flag(
            site_pk=site.pk,
            key=str(getattr(site, scope.adapter.site.key)),
            label=scope.label(site),
            description=f"No readings for {days(limit)}",
            reason=reason,
            evidence=evidence,
        )
