"""How long one check took, as a chart and as figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_health_check_job.admin.wording import badge, duration, moment
from django_health_check_job.engine.outcome import State
from django_health_check_job.models import Rollup
from django_health_check_job.services import reading
from django_health_check_job.services.rollups import bucket_start
from django_opskit.charts import ChartPoint, Mark, line_chart

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

__all__ = ["Range", "ResponseChart", "response_chart"]

_RESULTS = 200
_LISTED_RESULTS = 30
_HOURS = 7 * 24
_DAYS = 366

_MARKS = {State.DOWN: Mark.CROSS, State.WARN: Mark.TRIANGLE, State.UNKNOWN: Mark.CIRCLE}


class Range(StrEnum):
    """How far a chart looks back."""

    RESULTS = "results"
    WEEK = "week"
    YEAR = "year"

    @property
    def label(self) -> "StrPromise":
        """Return what the link to it says."""
        return _LABELS[self]


_LABELS = {
    Range.RESULTS: gettext_lazy("last results"),
    Range.WEEK: gettext_lazy("7 days by the hour"),
    Range.YEAR: gettext_lazy("a year by the day"),
}


@dataclass(frozen=True)
class ResponseChart:
    """The picture, and the same as a table: its head and its rows, the newest first."""

    range: Range
    svg: SafeString
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]


def response_chart(check: int, chosen: str, *, now: datetime) -> ResponseChart:
    """
    Return the chart of one check, read by one query.

    Args:
        check: its key.
        chosen: a :class:`Range`; anything else is that of the last results.
        now: ranges end here.
    """
    if chosen == Range.WEEK:
        return _of_buckets(check, Range.WEEK, Rollup.Span.HOUR, timedelta(hours=1), _HOURS, now)
    if chosen == Range.YEAR:
        return _of_buckets(check, Range.YEAR, Rollup.Span.DAY, timedelta(days=1), _DAYS, now)
    return _of_results(check)


def _of_results(check: int) -> ResponseChart:
    results = reading.latest_results(check, limit=_RESULTS)
    points = [
        ChartPoint(
            date_format(timezone.localtime(at), "H:i:s") if (at := one["checked_at"]) else "",
            _milliseconds(one["duration_seconds"]),
            _MARKS.get(_state(one)),
        )
        for one in reversed(results)
    ]
    rows = [
        (
            moment(one["checked_at"]),
            badge(_state(one)),
            duration(one["duration_seconds"]),
            one["message"],
        )
        for one in results[:_LISTED_RESULTS]
    ]
    head = (_("time"), _("state"), _("took"), _("message"))
    return ResponseChart(Range.RESULTS, _drawn(points), head, rows)


def _of_buckets(
    check: int, chosen: Range, span: Rollup.Span, step: timedelta, count: int, now: datetime
) -> ResponseChart:
    last = bucket_start(now, span)
    since = last - (count - 1) * step
    found = {one.starts_at: one for one in reading.buckets(check, span, since=since)}
    # A check that is younger than the range begins with its first result.
    first = min(found, default=last)
    times = [first + number * step for number in range((last - first) // step + 1)]
    points = [_bucket_point(at, found.get(at), span) for at in times]
    head = (
        _("from"),
        _("results"),
        _("up"),
        _("warning"),
        _("unknown"),
        _("down"),
        _("mean"),
        _("shortest"),
        _("longest"),
    )
    rows = [_figures(found[at], span) for at in sorted(found, reverse=True)]
    return ResponseChart(chosen, _drawn(points), head, rows)


def _bucket_point(at: datetime, one: Rollup | None, span: Rollup.Span) -> ChartPoint:
    label = _bucket_label(at, span)
    if one is None:
        return ChartPoint(label, None)
    counts = ((one.downs, State.DOWN), (one.warns, State.WARN), (one.unknowns, State.UNKNOWN))
    mark = next((_MARKS[state] for number, state in counts if number), None)
    return ChartPoint(label, _milliseconds(one.mean_seconds), mark)


def _bucket_label(at: datetime, span: Rollup.Span) -> str:
    # Days are those of UTC: in local time they would begin at some odd hour.
    if span is Rollup.Span.DAY:
        return date_format(at, "SHORT_DATE_FORMAT")
    return date_format(timezone.localtime(at), "D H:i")


def _figures(one: Rollup, span: Rollup.Span) -> tuple[Any, ...]:
    return (
        _bucket_label(one.starts_at, span),
        one.count,
        one.ups,
        one.warns,
        one.unknowns,
        one.downs,
        duration(one.mean_seconds),
        *(duration(None if us is None else us / 1e6) for us in (one.least_us, one.most_us)),
    )


def _drawn(points: Sequence[ChartPoint]) -> SafeString:
    return line_chart(
        points,
        title=_("Response time"),
        description=_("How long the check took, and when it did not work."),
        unit="ms",
        mark_texts={
            Mark.CROSS: _("down"),
            Mark.TRIANGLE: _("warning"),
            Mark.CIRCLE: _("unknown"),
        },
    )


def _state(result: dict[str, Any]) -> State:
    # Rows that were written without a state have the published status.
    return State(result["state"] or ("UP" if result["status"] else "DOWN"))


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
