"""Figures and headings as people read them, in the language that is active."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_system_ops.services.reports.documents import Document

__all__ = [
    "NOTHING",
    "Line",
    "change_of",
    "days_of",
    "figure",
    "heading",
    "is_rise",
    "lines_of",
    "remarks",
    "with_unit",
]

#: Stands where there is no figure.
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Line:
    """
    One row of a section's table.

    Attributes:
        label: the group; empty where there are none.
        kind: ``group``, ``other`` or ``total``.
        figures: ``values``, and with a comparison ``previous`` and ``change``.
    """

    label: str
    kind: str
    figures: Document


def lines_of(section: Document) -> Iterator[Line]:
    """Yield the groups, then what all others have, and last the total."""
    for row in section["rows"]:
        yield Line(row["label"], "group", row)
    if (other := section["other"]) is not None:
        count = other["groups"]
        label = ngettext("%(count)s other", "%(count)s others", count) % {"count": figure(count)}
        yield Line(label if count else _("Others"), "other", other)
    if section["group"] is None or section["rows"]:
        yield Line(_("Total"), "total", section["totals"])


def figure(value: float | None, places: int = 0) -> str:
    """Return a figure with the separators of the language; a dash where there is none."""
    if value is None:
        return NOTHING
    return str(formats.number_format(value, places, use_l10n=True, force_grouping=True))


def with_unit(value: float | None, column: Document) -> str:
    """Return a figure of a column with its unit."""
    text = figure(value, column["places"])
    has_unit = column["unit"] and value is not None
    return f"{text}\N{NO-BREAK SPACE}{column['unit']}" if has_unit else text


def heading(column: Document) -> str:
    """Return what stands above a column."""
    return f"{column['label']} ({column['unit']})" if column["unit"] else str(column["label"])


def change_of(figures: Document, column: Document) -> str:
    """Return how a figure has changed: in percent, or by how much where there is no percent."""
    change = figures["change"][column["name"]]
    if change["absolute"] is None:
        return NOTHING
    percent = change["percent"]
    if percent is None:
        return _signed(change["absolute"], column["places"])
    return f"{_signed(percent, 1)}\N{NO-BREAK SPACE}%"


def days_of(period: Document) -> str:
    """Return the days of a period: one, or the first and the last."""
    first, last = (
        formats.date_format(date.fromisoformat(period[key]), "DATE_FORMAT")
        for key in ("first_day", "last_day")
    )
    return str(first) if first == last else f"{first} {NOTHING} {last}"


def remarks(document: Document) -> list[str]:
    """Return what a reader has to know about the report as a whole."""
    found = []
    if not document["period"]["is_over"]:
        moment = formats.date_format(
            datetime.fromisoformat(document["generated_at"]), "DATETIME_FORMAT"
        )
        # In English it ends with "p.m.", and the sentence with a full stop.
        found.append(
            _("The period is not over: figures as of %(moment)s.") % {"moment": moment.rstrip(".")}
        )
    if document["left_out"]:
        found.append(
            _("Left out, since it is no tenant's: %(sections)s.")
            % {"sections": ", ".join(document["left_out"])}
        )
    return found


def _signed(value: float, places: int) -> str:
    text = figure(abs(value), places)
    if value == 0:
        return f"±{text}"
    return f"+{text}" if value > 0 else f"\N{MINUS SIGN}{text}"


def is_rise(figures: Document, column: Document) -> bool | None:
    """Return whether a figure has risen; None where it has not changed, or nobody knows."""
    change = figures["change"][column["name"]]
    # What is shown says it: a small change of a figure without places is seen in percent alone.
    shown = change["absolute"] if change["percent"] is None else change["percent"]
    return bool(shown > 0) if shown else None
