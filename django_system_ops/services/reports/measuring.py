"""The figures of one section, in as many statements however many rows there are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import connections, models
from django.db.models import Count, F, Q

from django_system_ops.conf.reports import ReportMetricSettings, ReportSectionSettings
from django_system_ops.engine.periods import Period
from django_system_ops.services.field_paths import field_at, leads_to_many
from django_system_ops.services.reports.aggregates import (
    GROUP,
    aggregate_of,
    exact,
    is_percentile,
    percentiles,
)
from django_system_ops.services.reports.buckets import BUCKETS, bucket_of
from django_system_ops.services.reports.comparing import Number
from django_system_ops.services.tenants import Tenants, of_tenants

__all__ = ["Figures", "Section", "places_of"]

_ROWS = "opskit_rows"


@dataclass
class Figures:
    """
    What one period has, as exactly as the database has it.

    Attributes:
        totals: of all rows, by the names of the metrics; None where there is no figure.
        groups: the same of each group that is shown, in the order in which they are.
        other: of the groups that are not shown; None where all are.
        rows: how many there are.
        other_groups: how many groups are not shown.
    """

    totals: dict[str, Any]
    groups: dict[Any, dict[str, Any]] = field(default_factory=dict)
    other: dict[str, Any] | None = None
    rows: int = 0
    other_groups: int = 0


@dataclass(frozen=True)
class Section:
    """A section of the settings over the rows of some tenants."""

    conf: ReportSectionSettings
    tenants: Tenants
    using: str
    zone: tzinfo

    @cached_property
    def model(self) -> type[models.Model]:
        """The model whose rows are counted."""
        return apps.get_model(self.conf.model)

    @property
    def is_over_time(self) -> bool:
        """Return whether the groups are days, weeks or the like."""
        return self.conf.group in BUCKETS

    def measured(self, period: Period, before: Period | None) -> tuple[Figures, Figures | None]:
        """
        Return the figures of a period, and of the one before if that is asked for.

        Both have the same groups, unless these are days or the like.
        """
        if self.is_over_time:
            now = self._over_time(period)
            return now, None if before is None else self._over_time(before)
        now = self._totals(period)
        then = None if before is None else self._totals(before)
        if self.conf.group:
            self._fill_groups(now, period, then, before)
        return now, then

    def _over_time(self, period: Period) -> Figures:
        buckets = [one.first for one in period.parts(self.conf.group)]
        figures = self._totals(period)
        found = self._of_groups(self._grouped(period), limit=None)
        nothing = self._nothing()
        figures.groups = {one: found.get(one, nothing) for one in buckets}
        return figures

    def _fill_groups(
        self, now: Figures, period: Period, then: Figures | None, before: Period | None
    ) -> None:
        limit = self.conf.limit
        now.groups = self._of_groups(self._grouped(period), limit=limit)
        has_room = len(now.groups) < limit
        if then is not None and before is not None:
            rows = self._grouped(before)
            found = self._of_groups(rows.filter(_among(now.groups)), limit=None)
            if (room := limit - len(now.groups)) > 0:
                # Who was there before, and is no more.
                gone = rows.filter(_beyond(now.groups))
                found |= self._of_groups(gone, limit=room)
            nothing = self._nothing()
            now.groups |= {key: nothing for key in found if key not in now.groups}
            then.groups = {key: found.get(key, nothing) for key in now.groups}
            self._fill_other(then, before, now.groups)
        if not has_room:
            self._fill_other(now, period, now.groups)
        if then is not None and (now.other is None) is not (then.other is None):
            now.other, then.other = now.other or self._nothing(), then.other or self._nothing()

    def _fill_other(self, figures: Figures, period: Period, keys: Mapping[Any, Any]) -> None:
        rows = self._grouped(period)
        rest = rows.filter(_beyond(keys)) if keys else rows
        found = rest.aggregate(
            **self._aggregates, **{_ROWS: Count("*"), "opskit_groups": Count(GROUP, distinct=True)}
        )
        if not found[_ROWS]:
            return
        figures.other = self._finished(found, self._percentiles(rest, grouped=False).get(None, {}))
        # A group without a value is not counted as one.
        has_null = None not in keys and rest.filter(**{f"{GROUP}__isnull": True}).exists()
        figures.other_groups = found["opskit_groups"] + has_null

    def _totals(self, period: Period) -> Figures:
        rows = self._rows(period)
        found = rows.aggregate(**self._aggregates, **{_ROWS: Count("*")})
        measured = self._percentiles(rows, grouped=False).get(None, {})
        return Figures(self._finished(found, measured), rows=found[_ROWS])

    def _of_groups(
        self, rows: "models.QuerySet[Any]", *, limit: int | None
    ) -> dict[Any, dict[str, Any]]:
        grouped = rows.values(GROUP).annotate(**self._aggregates, **{_ROWS: Count("*")})
        order = F(self._rank).desc(nulls_last=True)
        found = {one[GROUP]: one for one in grouped.order_by(order, GROUP)[:limit]}
        if not found:
            return {}
        if limit == len(found):
            rows = rows.filter(_among(found))
        measured = self._percentiles(rows, grouped=True)
        return {key: self._finished(one, measured.get(key, {})) for key, one in found.items()}

    def _percentiles(
        self, rows: "models.QuerySet[Any]", *, grouped: bool
    ) -> dict[Any, dict[str, Any]]:
        """Return by group what the database has no aggregate for."""
        # Values of one field are ranked once, however many percentiles of it there are.
        alike: dict[tuple[str, str], dict[str, ReportMetricSettings]] = {}
        for name, metric in self.conf.metrics.items():
            if is_percentile(metric) and _alias(self.conf, name) not in self._aggregates:
                alike.setdefault((metric.field, repr(metric.filter)), {})[name] = metric
        found: dict[Any, dict[str, Any]] = {}
        for metrics in alike.values():
            for key, figures in percentiles(rows, metrics, grouped=grouped).items():
                found.setdefault(key, {}).update(figures)
        return found

    def _finished(self, row: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        exact_ones: dict[str, Any] = {}
        for name, metric in self.conf.metrics.items():
            if metric.ratio:
                continue
            value = row.get(_alias(self.conf, name), measured.get(name))
            if value is None and metric.aggregate == "sum":
                value = 0
            exact_ones[name] = value
        for name, metric in self.conf.metrics.items():
            if metric.hidden:
                continue
            value = _ratio(metric, exact_ones) if metric.ratio else exact_ones[name]
            figures[name] = _number(value)
        return figures

    def _nothing(self) -> dict[str, Any]:
        counts = {
            _alias(self.conf, name): 0
            for name, metric in self.conf.metrics.items()
            if metric.aggregate.startswith("count")
        }
        return self._finished(counts, {})

    def _rows(self, period: Period) -> "models.QuerySet[Any]":
        rows = self.model._base_manager.using(self.using).order_by()
        if leads_to_many(self.model, self.conf.filter):
            # A row that has two of them is still one row.
            fitting = self.model._base_manager.using(self.using).filter(**self.conf.filter)
            rows = rows.filter(pk__in=fitting.order_by().values("pk"))
        else:
            rows = rows.filter(**self.conf.filter)
        if not self.tenants.is_all:
            rows = rows.filter(of_tenants(self.model, self.conf.tenant, self.tenants))
        start, end = self._bounds(period)
        path = self.conf.date_field
        found: models.QuerySet[Any] = rows.filter(**{f"{path}__gte": start, f"{path}__lt": end})
        return found

    def _grouped(self, period: Period) -> "models.QuerySet[Any]":
        rows: models.QuerySet[Any] = self._rows(period).annotate(**{GROUP: self._group(period)})
        return rows

    def _group(self, period: Period) -> Any:
        path = self.conf.group
        if not self.is_over_time:
            return exact(path, field_at(self.model, path), self.using)
        return bucket_of(
            self.conf.date_field,
            path,
            bounds=period.bounds(self.zone) if self._has_time else None,
            zone=self.zone,
            connection=connections[self.using],
        )

    def _bounds(self, period: Period) -> tuple[date, date]:
        return period.bounds(self.zone) if self._has_time else (period.first, period.end)

    @cached_property
    def _has_time(self) -> bool:
        return isinstance(field_at(self.model, self.conf.date_field), models.DateTimeField)

    @cached_property
    def _aggregates(self) -> dict[str, Any]:
        found = {}
        for name, metric in self.conf.metrics.items():
            if metric.ratio:
                continue
            column = field_at(self.model, metric.field) if metric.field else None
            aggregate = aggregate_of(metric, column, self.using)
            if aggregate is not None:
                found[_alias(self.conf, name)] = aggregate
        return found

    @property
    def _rank(self) -> str:
        """Return by what the largest groups are found, on all databases the same."""
        for name, metric in self.conf.metrics.items():
            if not (metric.ratio or metric.hidden or is_percentile(metric)):
                return _alias(self.conf, name)
        return _ROWS


def places_of(metric: ReportMetricSettings, model: type[models.Model]) -> int:
    """Return how many digits a figure has after the point."""
    if metric.places is not None:
        return metric.places
    if metric.aggregate.startswith("count"):
        return 0
    is_whole = metric.aggregate in ("sum", "min", "max") and isinstance(
        field_at(model, metric.field), models.IntegerField
    )
    return 0 if is_whole else 2


def _alias(conf: ReportSectionSettings, name: str) -> str:
    # By number: names of metrics may be those of fields.
    return f"opskit_metric_{list(conf.metrics).index(name)}"


def _among(keys: Mapping[Any, Any] | Sequence[Any]) -> Q:
    found = Q(**{f"{GROUP}__in": [key for key in keys if key is not None]})
    return found | Q(**{f"{GROUP}__isnull": True}) if None in keys else found


def _beyond(keys: Mapping[Any, Any]) -> Q:
    # Not ~_among(): what is NULL is in no list, and not out of it either.
    found = ~Q(**{f"{GROUP}__in": [key for key in keys if key is not None]})
    nulls = Q(**{f"{GROUP}__isnull": None not in keys})
    return found & nulls if None in keys else found | nulls


def _ratio(metric: ReportMetricSettings, figures: Mapping[str, Any]) -> float | None:
    above, below = (_number(figures[name]) for name in metric.ratio)
    if above is None or not below:
        return None
    return float(above) / float(below) * (100 if metric.unit == "%" else 1)


def _number(value: Any) -> Number | None:
    """Return a figure as a number; of durations their seconds, of what is none nothing."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if value is None or isinstance(value, int):
        return value
    number: Number = value if isinstance(value, Decimal) else float(value)
    return number if math.isfinite(number) else None
