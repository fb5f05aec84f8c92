"""A report as a workbook: a sheet for each section, with charts that can be edited."""

import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.reports.documents import Document
from django_system_ops.services.reports.rendering.figures import (
    days_of,
    heading,
    lines_of,
    remarks,
)

__all__ = ["as_xlsx", "require_library"]

# Limits of Excel: letters in a cell, and in the name of a sheet.
_MOST_LETTERS, _MOST_NAME = 32_767, 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_HEAD_ROW = 3
_FIRST_ROW = _HEAD_ROW + 1


def require_library() -> None:
    """
    Do nothing if XlsxWriter is there.

    Raises:
        WrongUsageError: it is not; says how to get it.
    """
    try:
        import xlsxwriter  # noqa: F401
    except ImportError as error:
        raise WrongUsageError(
            "--format xlsx needs XlsxWriter: run `pip install django-opskit[system-ops]`."
        ) from error


def as_xlsx(document: Document) -> bytes:
    """Return the report; texts stay texts, even those that look like formulas or links."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            # Rows leave memory as they are written.
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
        },
    )
    # The same report is the same file, whenever it is made.
    book.set_properties(
        {
            "title": document["title"],
            "created": datetime.combine(
                date.fromisoformat(document["period"]["last_day"]), datetime.min.time()
            ),
        }
    )
    names = _names([section["title"] for section in document["sections"]])
    for section, name in zip(document["sections"], names, strict=True):
        _Sheet(book, book.add_worksheet(name), document, section).write()
    book.close()
    return out.getvalue()


class _Sheet:
    def __init__(self, book: Any, sheet: Any, document: Document, section: Document) -> None:
        self.book, self.sheet = book, sheet
        self.document, self.section = document, section
        self.is_compared = document["previous"] is not None
        self.styles: dict[tuple[str, bool], Any] = {}
        self.bold = book.add_format({"bold": True, "font_size": 14})
        self.grey = book.add_format({"font_color": "#595959"})
        self.head = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "align": "right"}
        )
        self.head_left = book.add_format({"bold": True, "bottom": 1})

    def write(self) -> None:
        section, document = self.section, self.document
        self.sheet.set_column(0, 0, 32)
        self.sheet.set_column(1, self._columns - 1 if self._columns > 1 else 1, 15)
        self._text(0, 0, f"{document['title']}: {section['title']}", self.bold)
        whose = [document["tenant"]] if document["tenant"] else []
        self._text(1, 0, " · ".join([days_of(document["period"]), *whose]), self.grey)
        self._text(2, 0, " ".join(remarks(document)), self.grey)
        if not section["has_data"]:
            self._text(_HEAD_ROW, 0, _("No data."))
            return
        self.sheet.freeze_panes(_FIRST_ROW, 1)
        group = section["group"]
        self._text(_HEAD_ROW, 0, group["label"] if group else "", self.head_left)
        for place, text in enumerate(self._headings(), start=1):
            self._text(_HEAD_ROW, place, text, self.head)
        for row, line in enumerate(lines_of(section), start=_FIRST_ROW):
            is_bold = line.kind == "total"
            self._text(row, 0, line.label, self.head_left if is_bold else None)
            for place, (value, form) in enumerate(self._figures(line.figures), start=1):
                if value is not None:
                    self.sheet.write_number(row, place, value, self._style(form, is_bold=is_bold))
        if section["chart"] and section["rows"]:
            self._chart()

    def _style(self, form: str, *, is_bold: bool) -> Any:
        key = (form, is_bold)
        if key not in self.styles:
            self.styles[key] = self.book.add_format({"num_format": form, "bold": is_bold})
        return self.styles[key]

    @property
    def _columns(self) -> int:
        return 1 + len(self.section["columns"]) * (4 if self.is_compared else 1)

    def _headings(self) -> Iterator[str]:
        for column in self.section["columns"]:
            yield heading(column)
            if self.is_compared:
                yield from (
                    pgettext("figures", "Before"),
                    pgettext("figures", "Change"),
                    pgettext("figures", "Change (%)"),
                )

    def _figures(self, figures: Document) -> Iterator[tuple[float | None, str]]:
        for column in self.section["columns"]:
            name, places = column["name"], column["places"]
            form = "#,##0" + ("." + "0" * places if places else "")
            yield figures["values"][name], form
            if self.is_compared:
                change = figures["change"][name]
                yield figures["previous"][name], form
                yield change["absolute"], f"+{form};-{form};0"
                yield change["percent"], "+#,##0.0;-#,##0.0;0.0"

    def _chart(self) -> None:
        section = self.section
        chart = self.book.add_chart({"type": section["chart"]})
        last = _FIRST_ROW + len(section["rows"]) - 1
        name, columns = self.sheet.get_name(), [1, 2] if self.is_compared else [1]
        for column in columns:
            chart.add_series(
                {
                    "name": [name, _HEAD_ROW, column],
                    "categories": [name, _FIRST_ROW, 0, last, 0],
                    "values": [name, _FIRST_ROW, column, last, column],
                }
            )
        chart.set_title({"name": heading(section["columns"][0])})
        if section["chart"] == "bar":
            # From top to bottom, as in the table.
            chart.set_y_axis({"reverse": True})
        if not self.is_compared:
            chart.set_legend({"none": True})
        height = 320 if section["chart"] == "line" else max(240, 60 + 22 * len(section["rows"]))
        chart.set_size({"width": 720, "height": min(height, 900)})
        self.sheet.insert_chart(_HEAD_ROW, self._columns + 1, chart)

    def _text(self, row: int, column: int, text: str, style: Any = None) -> None:
        self.sheet.write_string(row, column, text[:_MOST_LETTERS], style)


def _names(titles: list[str]) -> list[str]:
    """Return names of sheets as Excel takes them, no two the same whatever their case."""
    found: list[str] = []
    # Excel keeps "History" for itself.
    taken = {"", "history"}
    for title in titles:
        base = _NOT_IN_NAMES.sub(" ", title).strip(" '")
        name = _shortened(base, _MOST_NAME)
        for number in count(2):
            if name.casefold() not in taken:
                break
            suffix = f" {number}"
            name = f"{_shortened(base, _MOST_NAME - len(suffix))}{suffix}".strip()
        taken.add(name.casefold())
        found.append(name)
    return found


def _shortened(name: str, most: int) -> str:
    """Return what there is room for; Excel counts in UTF-16, in which an emoji is two."""
    kept = name.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")
    return kept.strip(" '")
