"""Sites that count much less than those they can be compared with."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django_job_automation.engine.comparing import Group, Standing, per_day
from django_job_automation.rule_settings import RuleSettings, UnderperformanceSettings
from django_job_automation.rules.base import Flag, Scope
from django_job_automation.rules.wording import days

__all__ = ["Underperformance"]


class Underperformance:
    """
    Flags sites that count less than ``percent_of_median`` of their group over ``days_to_check``.

    Sites that are silent, that were not read when these days began, or whose register fell or has
    stood still for long enough to explain it, are not compared: those are other faults. Off unless
    the settings turn it on.
    """

    name = "underperformance"
    title = "Underperformance"
    settings: type[RuleSettings] = UnderperformanceSettings

    def find(self, scope: Scope) -> Iterator[Flag]:
        """Yield the sites that lag behind."""
        conf = scope.conf.UNDERPERFORMANCE
        behind = {
            one.key: (name, one)
            for name, one in self._standings(scope)
            if one.is_below(conf.percent_of_median)
        }
        for site in scope.among(list(behind)):
            name, standing = behind[site.pk]
            yield self._flag(scope, site, name, standing)

    def clean(self, scope: Scope, sites: Sequence[Any]) -> Iterator[Any]:
        """Yield those of these sites that were compared, and keep up."""
        conf, asked = scope.conf.UNDERPERFORMANCE, set(sites)
        keeping_up = [
            one.key
            for _name, one in self._standings(scope)
            if one.key in asked and not one.is_below(conf.percent_of_median)
        ]
        yield from scope.among(keeping_up)

    @staticmethod
    def _standings(scope: Scope) -> Iterator[tuple[str, Standing]]:
        """Yield each site that can be compared, whichever the scope is: groups are whole."""
        conf, fields = scope.conf.UNDERPERFORMANCE, scope.adapter.site
        at, value = scope.adapter.reading.at, scope.adapter.reading.value
        start = scope.as_of - timedelta(days=conf.days_to_check)
        seen_since = start - scope.silence.threshold
        tolerance = 2 * float(scope.conf.ZERO_READS.min_increase)
        names = [one for one in (fields.group, fields.capacity) if one]
        rows = (
            scope.adapter.eligible(as_of=scope.as_of)
            .annotate(
                opskit_baseline_at=scope.newest(at, until=start),
                opskit_baseline=scope.newest(value, until=start),
                opskit_middle=scope.newest(value, until=scope.as_of - _standstill(scope)),
                opskit_newest_at=scope.newest(at, until=scope.as_of),
                opskit_newest=scope.newest(value, until=scope.as_of),
            )
            .order_by()
            .values(
                "pk",
                *names,
                "opskit_baseline_at",
                "opskit_baseline",
                "opskit_middle",
                "opskit_newest_at",
                "opskit_newest",
            )
        )
        talks_since = scope.as_of - scope.silence.threshold
        groups: dict[str, Group] = {}
        for row in rows.iterator(chunk_size=2000):
            since = row["opskit_baseline_at"]
            if since is None or since < seen_since or row["opskit_newest_at"] < talks_since:
                continue
            if float(row["opskit_newest"]) - float(row["opskit_middle"]) <= tolerance:
                continue
            rate = per_day(
                (since, float(row["opskit_baseline"])),
                (row["opskit_newest_at"], float(row["opskit_newest"])),
            )
            if rate is not None:
                capacity = row[fields.capacity] if fields.capacity else None
                name = row[fields.group] if fields.group else None
                group = groups.setdefault("" if name is None else str(name), Group())
                group.add(row["pk"], rate, None if capacity is None else float(capacity))
        for name, group in groups.items():
            for standing in group.standings(min_sites=conf.min_sites):
                yield name, standing

    @staticmethod
    def _flag(scope: Scope, site: Any, group: str, standing: Standing) -> Flag:
        conf = scope.conf.UNDERPERFORMANCE
        share = 100 * standing.rate / standing.median
        return Flag(
            site_pk=site.pk,
            key=scope.key(site),
            label=scope.label(site),
            description=(
                f"Less than {conf.percent_of_median:g} % of the group for "
                f"{days(conf.days_to_check)}"
            ),
            reason=(
                f"It counted {share:.0f} % of the median of its group over "
                f"{days(conf.days_to_check)}; the limit is {conf.percent_of_median:g} %."
            ),
            evidence={
                "rate_per_day": round(standing.rate, 6),
                "median_per_day": round(standing.median, 6),
                "group": group,
                "sites_compared": standing.sites,
                "percent_of_median": conf.percent_of_median,
                "days_to_check": conf.days_to_check,
            },
        )


def _standstill(scope: Scope) -> timedelta:
    """Return for how long a register has to have stood still to be no matter of this rule."""
    conf = scope.conf.UNDERPERFORMANCE
    # So long that the rest of the days, at full speed, comes to the limit: a night does not.
    explains = max(1.0, conf.days_to_check * (1 - conf.percent_of_median / 100))
    return timedelta(days=min(explains, scope.conf.ZERO_READS.days_to_check, conf.days_to_check))
