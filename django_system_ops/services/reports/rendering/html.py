"""A report as one HTML file: no script, nothing loaded, readable in the dark and on paper."""

from functools import cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

import django_system_ops
from django_opskit.bars import Bar, bar_chart
from django_opskit.charts import ChartPoint, line_chart
from django_system_ops.services.reports.documents import Document
from django_system_ops.services.reports.rendering.figures import (
    Line,
    change_of,
    days_of,
    figure,
    heading,
    is_rise,
    lines_of,
    remarks,
    with_unit,
)

__all__ = ["as_html"]

_TEMPLATES = Path(django_system_ops.__file__).parent / "templates"
# Wide ones for screens and paper; narrow ones have the same letters in the room of a phone.
_WIDE, _NARROW = 720, 360


def as_html(document: Document) -> str:
    """Return the report, with each chart above the table of its figures."""
    period, previous = document["period"], document["previous"]
    context = {
        "report": document,
        "direction": "rtl" if get_language_bidi() else "ltr",
        "days": days_of(period),
        "previous_days": days_of(previous) if previous is not None else "",
        "remarks": remarks(document),
        "sections": [
            _section(one, is_compared=previous is not None) for one in document["sections"]
        ],
    }
    template = _engine().get_template("django_system_ops/reports/report.html")
    return str(template.render(Context(context)))


@cache
def _engine() -> Engine:
    # Our own: a site need not have set up templates to get a report by mail.
    return Engine(
        dirs=[str(_TEMPLATES)], libraries={"i18n": "django.templatetags.i18n"}, autoescape=True
    )


def _section(section: Document, *, is_compared: bool) -> dict[str, Any]:
    columns, totals = section["columns"], section["totals"]
    lines = list(lines_of(section))
    return {
        "name": section["name"],
        "title": section["title"],
        "has_data": section["has_data"],
        "cards": [_card(column, totals, is_compared=is_compared) for column in columns],
        "charts": _charts(section) if section["chart"] and section["rows"] else [],
        "group_label": section["group"]["label"] if section["group"] else "",
        "has_table": section["group"] is not None and bool(lines),
        "headings": [heading(column) for column in columns],
        "is_compared": is_compared,
        "lines": [_line(line, columns, is_compared=is_compared) for line in lines],
    }


def _card(column: Document, totals: Document, *, is_compared: bool) -> dict[str, Any]:
    value = totals["values"][column["name"]]
    card = {"label": column["label"], "figure": with_unit(value, column)}
    if is_compared:
        before = with_unit(totals["previous"][column["name"]], column)
        card |= {"change": _change(totals, column), "before": before}
    return card


def _line(line: Line, columns: list[Document], *, is_compared: bool) -> dict[str, Any]:
    cells = []
    for column in columns:
        name, places = column["name"], column["places"]
        cell = {"figure": figure(line.figures["values"][name], places)}
        if is_compared:
            before = line.figures["previous"][name]
            cell["before"] = "" if before is None else figure(before, places)
            if before is not None or line.figures["values"][name] is not None:
                cell["change"] = _change(line.figures, column)
        cells.append(cell)
    return {"label": line.label, "kind": line.kind, "cells": cells}


def _change(figures: Document, column: Document) -> Any:
    rise = is_rise(figures, column)
    return {
        "text": change_of(figures, column),
        # A shape besides the sign; whether it is good news depends on the figure.
        "arrow": "" if rise is None else "▲" if rise else "▼",
    }


def _charts(section: Document) -> list[dict[str, Any]]:
    """Return the first metric as a chart, for wide and for narrow screens."""
    column = section["columns"][0]
    values = [
        (row["label"], row["values"][column["name"]])
        for row in section["rows"]
        if "only_previous" not in row
    ]
    title = f"{section['title']}: {heading(column)}"
    words = {"metric": heading(column), "group": section["group"]["label"]}
    description = _("%(metric)s by %(group)s; the figures are in the table below.") % words
    draw = _lines if section["chart"] == "line" else _bars
    return [
        {"width": name, "svg": draw(values, column, title, description, width)}
        for name, width in (("wide", _WIDE), ("narrow", _NARROW))
    ]


def _lines(
    values: list[tuple[str, float | None]],
    column: Document,
    title: str,
    description: str,
    width: int,
) -> SafeString:
    points = [ChartPoint(label, value) for label, value in values]
    return line_chart(
        points, title=title, description=description, unit=column["unit"], width=width, height=200
    )


def _bars(
    values: list[tuple[str, float | None]],
    column: Document,
    title: str,
    description: str,
    width: int,
) -> SafeString:
    bars = [
        Bar(label, value, with_unit(value, column)) for label, value in values if value is not None
    ]
    return bar_chart(bars, title=title, description=description, width=width)
