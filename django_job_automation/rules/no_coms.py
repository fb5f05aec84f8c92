"""Sites that have stopped talking."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from django_job_automation.engine.quality import CLOCK_ERROR, NEVER_READ
from django_job_automation.rule_settings import NoComsSettings, RuleSettings
from django_job_automation.rules.base import Flag, Note, Scope
from django_job_automation.rules.wording import days, moment

__all__ = ["NoComs"]


class NoComs:
    """
    Flags sites without a valid reading since ``days_threshold``.

    Each site costs one look at the end of its index: only where its newest reading is too old,
    missing or of the future, more is asked. So the same statement sees wrong clocks, and sites
    that were never read.
    """

    name = "no_coms"
    title = "No Coms"
    settings: type[RuleSettings] = NoComsSettings

    def find(self, scope: Scope) -> Iterator[Flag | Note]:
        """Yield the silent sites, and notes on the data; asked in one statement."""
        cutoff = scope.as_of - scope.silence.threshold
        for site in self._doubtful(scope, cutoff).iterator(chunk_size=2000):
            last, newest = site.opskit_last_at, site.opskit_newest_at
            if newest is not None and newest > scope.latest:
                yield scope.note(
                    CLOCK_ERROR,
                    site,
                    f"It has a reading of {moment(newest)}, which is to come: its clock is wrong.",
                    newest_reading_at=newest.isoformat(),
                )
            if last is None:
                yield scope.note(NEVER_READ, site, "It was never read.")
            if self._is_silent(scope, site, last, cutoff):
                yield self._flag(scope, site, last)

    def clean(self, scope: Scope, sites: Sequence[Any]) -> Iterator[Any]:
        """Yield those of these sites that talk."""
        cutoff = scope.as_of - scope.silence.threshold
        talks = Exists(scope.readings(since=cutoff, until=scope.latest))
        return scope.among(sites, scope.sites.filter(talks))

    def _doubtful(self, scope: Scope, cutoff: datetime) -> QuerySet[Any]:
        """Return the sites whose newest reading is no sign that they talk."""
        at = scope.adapter.reading.at
        # In a backtest what came later is no error.
        newest = scope.readings(until=scope.latest if scope.is_backtest else None)
        newest = newest.order_by(f"-{at}")
        is_fresh = ExpressionWrapper(
            Q(**{f"{at}__gte": cutoff, f"{at}__lte": scope.latest}), BooleanField()
        )
        # Compared inside: outside, a database would look for the newest once for each comparison.
        fresh = Subquery(newest.values(opskit_fresh=is_fresh)[:1], BooleanField())
        doubtful = scope.sites.alias(opskit_fresh=Coalesce(fresh, Value(False)))
        last = scope.readings(until=scope.latest).order_by(f"-{at}").values(at)[:1]
        found: QuerySet[Any] = doubtful.filter(opskit_fresh=False).annotate(
            opskit_last_at=Subquery(last), opskit_newest_at=Subquery(newest.values(at)[:1])
        )
        return found

    @staticmethod
    def _is_silent(scope: Scope, site: Any, last: datetime | None, cutoff: datetime) -> bool:
        if last is not None:
            return last < cutoff
        since = scope.commissioned_at(site)
        return since is None or since < cutoff

    @staticmethod
    def _flag(scope: Scope, site: Any, last: datetime | None) -> Flag:
        limit = scope.conf.NO_COMS.days_threshold
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
            key=scope.key(site),
            label=scope.label(site),
            description=f"No readings for {days(limit)}",
            reason=reason,
            evidence=evidence,
        )
