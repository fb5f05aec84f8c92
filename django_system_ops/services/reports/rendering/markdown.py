"""A report as Markdown, whose tables can be read as plain text too: the body of the mail."""

import re
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from django_system_ops.services.reports.documents import Document
from django_system_ops.services.reports.rendering.figures import (
    change_of,
    days_of,
    figure,
    heading,
    lines_of,
    remarks,
)

__all__ = ["as_markdown"]

_MARKUP = re.compile(r"([\\`*_\[\]<>|~#$!&])")


def as_markdown(document: Document) -> str:
    """Return the report; texts of the database are text, whatever they look like."""
    period, previous = document["period"], document["previous"]
    parts = [f"# {_escaped(document['title'])}", f"{days_of(period)} ({period['name']})"]
    if document["tenant"] is not None:
        parts.append(_escaped(document["tenant"]))
    if previous is not None:
        parts.append(
            _("Compared with %(period)s.") % {"period": f"{days_of(previous)} ({previous['name']})"}
        )
    parts += [_escaped(text) for text in remarks(document)]
    for section in document["sections"]:
        parts.append(f"## {_escaped(section['title'])}")
        parts.append(_table(section) if section["has_data"] else _("No data."))
    return "\n\n".join(parts) + "\n"


def _table(section: Document) -> str:
    has_changes = "previous" in section["totals"]
    head = [_escaped(section["group"]["label"]) if section["group"] else ""]
    for column in section["columns"]:
        head.append(_escaped(heading(column)))
        head += (
            [pgettext("figures", "Before"), pgettext("figures", "Change")] if has_changes else []
        )
    rows = [head]
    for line in lines_of(section):
        row = [_escaped(line.label)]
        for column in section["columns"]:
            name, places = column["name"], column["places"]
            row.append(figure(line.figures["values"][name], places))
            if has_changes:
                row.append(figure(line.figures["previous"][name], places))
                row.append(change_of(line.figures, column))
        rows.append(row)
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(3, *(len(row[place]) for row in rows)) for place in range(len(rows[0]))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = []
    for row in (rows[0], rule, *rows[1:]):
        first, *others = (
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("| " + " | ".join((first, *others)) + " |")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
