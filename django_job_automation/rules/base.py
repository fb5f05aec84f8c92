"""What a rule is, and what it is given and gives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Model, OuterRef, Q, QuerySet, Subquery

from django_job_automation.adapters import ModelAdapter, moment_of
from django_job_automation.conf import JobAutomationSettings
from django_job_automation.engine.limits import NoComsLimits, ZeroReadsLimits
from django_job_automation.rule_settings import RuleSettings
from django_opskit.batches import batches

__all__ = ["Flag", "Note", "Rule", "Scope", "Seen"]

_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Seen:
    """
    What a rule has seen at a site.

    Attributes:
        key: what people call the site.
        label: its name; "" when it has none.
        reason: what was seen, in one sentence.
        evidence: the figures behind it; JSON.
    """

    key: str
    label: str
    reason: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Flag(Seen):
    """
    A site that a rule has found: it gets a job.

    Attributes:
        site_pk: its primary key.
        description: of the job, as it was published.
    """

    site_pk: Any
    description: str


@dataclass(frozen=True, kw_only=True)
class Note(Seen):
    """
    Something wrong with a site's data that a rule has seen on its way; it opens no job.

    Attributes:
        kind: what, in 50 letters at most: ``clock_error``, ``meter_reset``, ``never_read``.
    """

    kind: str


@dataclass(frozen=True)
class Scope:
    """
    What a rule looks at.

    Attributes:
        keys: these sites only; None for all that are eligible.
        selection: of the eligible ones, those that ``conf`` holds for.
        now: the moment of the run; None for ``as_of``.
    """

    adapter: ModelAdapter
    conf: JobAutomationSettings
    as_of: datetime
    keys: tuple[str, ...] | None = None
    selection: Q = field(default_factory=Q)
    now: datetime | None = None

    @property
    def sites(self) -> QuerySet[Any]:
        """Return the sites, in the order of their keys."""
        fields = self.adapter.site
        rows = self.adapter.eligible(as_of=self.as_of).filter(self.selection)
        if self.keys is not None:
            rows = rows.filter(**{f"{fields.key}__in": self.keys})
        names = [one for one in (fields.key, fields.label, fields.commissioned_at) if one]
        return rows.only("pk", *names).order_by(fields.key)

    def among(self, keys: Sequence[Any], rows: QuerySet[Any] | None = None) -> Iterator[Any]:
        """Yield the sites with these primary keys, or those of ``rows``, in parts."""
        for part in batches(keys, _AT_ONCE):
            yield from (self.sites if rows is None else rows).filter(pk__in=part)

    @property
    def silence(self) -> NoComsLimits:
        """Return when a site counts as silent, whether or not that rule is on."""
        return NoComsLimits(
            threshold=timedelta(days=self.conf.NO_COMS.days_threshold),
            future_tolerance=timedelta(hours=self.conf.FUTURE_TOLERANCE_HOURS),
        )

    @property
    def flatness(self) -> ZeroReadsLimits:
        """Return when a site counts as flat, whether or not that rule is on."""
        conf = self.conf.ZERO_READS
        return ZeroReadsLimits(
            window=timedelta(days=conf.days_to_check),
            readings=conf.readings_to_compare,
            min_increase=Decimal(str(conf.min_increase)),
        )

    @property
    def latest(self) -> datetime:
        """Return the moment beyond which a reading is none."""
        return self.as_of + self.silence.future_tolerance

    @property
    def is_backtest(self) -> bool:
        """Return whether ``as_of`` lies in the past: what came later is then not there yet."""
        return self.now is not None and self.latest < self.now

    def readings(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> QuerySet[Any]:
        """Return the readings with a value of the site of the query around, between moments."""
        fields = self.adapter.reading
        rows = self.adapter.all_readings().filter(
            **{fields.site: OuterRef("pk"), f"{fields.value}__isnull": False}
        )
        if until is not None:
            rows = rows.filter(**{f"{fields.at}__lte": until})
        return rows if since is None else rows.filter(**{f"{fields.at}__gte": since})

    def newest(self, name: str, *, until: datetime) -> Subquery:
        """Return a field of the newest reading with a value up to a moment."""
        at, value = self.adapter.reading.at, self.adapter.reading.value
        # Of two at one moment the higher: what the index has, and the same on each database.
        rows = self.readings(until=until).order_by(f"-{at}", f"-{value}")
        return Subquery(rows.values(name)[:1])

    def key(self, site: Model) -> str:
        """Return what people call a site."""
        return str(getattr(site, self.adapter.site.key))

    def label(self, site: Model) -> str:
        """Return a site's name; "" when it has none."""
        name = self.adapter.site.label
        return str(getattr(site, name) or "") if name else ""

    def commissioned_at(self, site: Model) -> datetime | None:
        """Return since when a site is there; None when nobody knows."""
        name = self.adapter.site.commissioned_at
        return moment_of(getattr(site, name)) if name else None

    def note(self, kind: str, site: Model, reason: str, **evidence: Any) -> Note:
        """Return a note on a site."""
        return Note(
            kind=kind,
            key=self.key(site),
            label=self.label(site),
            reason=reason,
            evidence=evidence,
        )


class Rule(Protocol):
    """
    Finds sites. A class that is made without arguments, anew for each run.

    Attributes:
        name: an identifier in lower case; its settings have it in upper case.
        title: what commands and pages call it.
        settings: what can be set of it; ``scope.conf.rule(name)`` returns them.
    """

    name: str
    title: str
    settings: type[RuleSettings]

    def find(self, scope: Scope) -> Iterable[Flag | Note]:
        """Return the sites that it finds, and what else it saw; may raise whatever goes wrong."""
        ...

    def clean(self, scope: Scope, sites: Sequence[Any]) -> Iterable[Any]:
        """
        Return the rows of those of these sites, by their keys, of which the opposite is known.

        Those of which nothing is known are neither found nor clean: missing data closes no job.
        There may be any number: see :meth:`Scope.among`.
        """
        ...
