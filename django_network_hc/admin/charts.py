"""The charts of the pages, with their words."""

from collections.abc import Sequence
from typing import Any

from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from django_network_hc.services.trends import Month
from django_opskit.bars import Bar, bar_chart
from django_opskit.charts import ChartPoint, line_chart

__all__ = ["coverage_bars", "coverage_chart", "coverage_trend", "open_trend"]


def coverage_bars(coverage: dict[str, Any]) -> list[Bar]:
    """Return the figures of a report's coverage, each with its word."""
    return [
        Bar(_("covered"), coverage.get("covered", 0)),
        Bar(_("tested before"), coverage.get("stale", 0)),
        Bar(_("never tested"), coverage.get("never_tested", 0)),
        Bar(_("missing"), coverage.get("missing", 0)),
        Bar(_("not run properly"), coverage.get("not_run_properly", 0)),
    ]


def coverage_chart(coverage: dict[str, Any]) -> SafeString:
    """Return how many nodes a report covers, and how many it does not."""
    return bar_chart(
        coverage_bars(coverage),
        title=_("Node coverage"),
        description=_("How many nodes the report covers, and why the others are not covered."),
    )


def open_trend(months: Sequence[Month]) -> SafeString:
    """Return how many cases were open after each report."""
    return line_chart(
        [ChartPoint(_day(one), float(one.open)) for one in months],
        title=_("Open cases"),
        description=_("Cases that were open after each report."),
        unit="",
        height=160,
    )


def coverage_trend(months: Sequence[Month]) -> SafeString:
    """Return which part of the nodes each report has covered."""
    return line_chart(
        [ChartPoint(_day(one), one.covered_percent) for one in months],
        title=_("Coverage"),
        description=_("Per cent of the nodes that each report has covered."),
        unit="%",
        height=160,
    )


def _day(month: Month) -> str:
    return date_format(month.day, "SHORT_DATE_FORMAT")
