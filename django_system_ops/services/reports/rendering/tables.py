"""A report as CSV: one figure on each line, for those who calculate further."""

import csv
import io

from django_system_ops.services.reports.documents import Document
from django_system_ops.services.reports.rendering.figures import lines_of

__all__ = ["as_csv"]

_HEAD = ("report", "period", "tenant", "section", "line", "group", "metric", "unit", "value")
_COMPARED = ("previous", "change", "change_percent")
# What a spreadsheet takes for the beginning of a formula, be it as wide as Chinese letters are.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_csv(document: Document) -> str:
    """
    Return the report, with a point in figures whatever the language, and nothing where none is.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    is_compared = document["previous"] is not None
    writer.writerow([*_HEAD, *(_COMPARED if is_compared else ())])
    for section in document["sections"]:
        for line in lines_of(section):
            for column in section["columns"]:
                name, figures = column["name"], line.figures
                texts = (
                    document["type"],
                    document["period"]["name"],
                    document["tenant"] or "",
                    section["name"],
                    line.kind,
                    line.label if line.kind == "group" else "",
                    name,
                    column["unit"],
                )
                row = [*map(_guarded, texts), figures["values"][name]]
                if is_compared:
                    change = figures["change"][name]
                    row += [figures["previous"][name], change["absolute"], change["percent"]]
                writer.writerow(row)
    return out.getvalue()


def _guarded(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
