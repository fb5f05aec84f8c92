"""The report of an import as a page that needs nothing else, and as JSON."""

import json
import os
from pathlib import Path

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from django_system_ops.exceptions import WrongUsageError
from django_system_ops.sealing import create_private, sync_directory
from django_system_ops.services.importing.reports import FileReport, ImportReport
from django_system_ops.services.importing.room import naming_full_disk

__all__ = ["html_report", "report_places", "write_report"]

# In the page itself, since a file has no server to ask. No script; nothing comes from elsewhere.
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent);
  padding: .3rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bad { font-weight: bold; }
"""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Import of {type}</title>
<style>{style}</style>
</head>
<body>
<h1>Import of {type}</h1>
<p>{summary}</p>
{left_alone}{files}
</body>
</html>
"""

_FILE = """<h2>{name}</h2>
<table>
<tr><th class="number">rows</th><th class="number">created</th><th class="number">updated</th>
<th class="number">skipped</th><th class="number">rejected</th><th class="number">seconds</th></tr>
<tr>{numbers}</tr>
</table>
<p>SHA-256 <code>{sha256}</code></p>
{remarks}{reasons}{errors}"""


def report_places(text: str) -> tuple[Path, ...]:
    """
    Return where the reports of ``--report`` go: a file *.json or *.html, or both beside each other.

    Raises:
        WrongUsageError: there is no such directory.
    """
    path = Path(text).absolute()
    if not path.parent.is_dir():
        raise WrongUsageError(f"--report {text!r}: there is no directory {path.parent}.")
    if path.is_dir():
        raise WrongUsageError(f"--report {text!r} is a directory: name a file in it.")
    if path.suffix.lower() in {".json", ".html"}:
        return (path,)
    return (path.with_name(f"{path.name}.json"), path.with_name(f"{path.name}.html"))


def write_report(report: ImportReport, place: Path) -> None:
    """Write a report, whole or not at all, in the place of one that is there."""
    if place.suffix.lower() == ".html":
        text = html_report(report)
    else:
        text = json.dumps(_jsonable(report), indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
    part = place.with_name(f".{place.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with naming_full_disk(place, "The import itself is done."):
        try:
            with os.fdopen(create_private(part), "wb") as file:
                file.write(text.encode("utf-8", "replace") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(place)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    sync_directory(place.parent)


def html_report(report: ImportReport) -> str:
    """Return a report as a page."""
    return format_html(
        _PAGE,
        style=SafeString(_STYLE),
        type=report.type_name,
        summary=_summary(report),
        left_alone=_list(
            "Left alone", [f"{name}: {reason}" for name, reason in report.left_alone.items()]
        ),
        files=format_html_join("\n", "{}", ((_file(one),) for one in report.files)),
    )


def _summary(report: ImportReport) -> str:
    how = "all rows or none" if report.is_strict else "the good rows"
    whose = f", for the tenant {report.tenant}" if report.tenant else ""
    kept = "" if report.is_kept else " Nothing was changed."
    dry = " It was a dry run." if report.is_dry_run else ""
    return f"Asked for: {how}{whose}.{dry}{kept}"


def _file(one: FileReport) -> SafeString:
    numbers = (
        f"{one.rows_read:,}",
        f"{one.created:,}",
        f"{one.updated:,}",
        f"{one.skipped:,}",
        f"{one.rejected:,}",
        f"{one.seconds:.1f}",
    )
    remarks = [*one.remarks]
    if one.rejects is not None:
        remarks.append(f"The rejected rows are in {one.rejects}.")
    if one.failure:
        remarks.append(one.failure)
    return format_html(
        _FILE,
        name=one.path.name,
        numbers=format_html_join(
            "", '<td class="number">{}</td>', ((number,) for number in numbers)
        ),
        sha256=one.sha256,
        remarks=_list("", remarks),
        reasons=_table(
            ("rows", "what is wrong"),
            [(f"{count:,}", reason) for reason, count in one.reasons.most_common()],
        ),
        errors=_table(
            ("line", "field", "value", "reason"),
            [
                (str(row.line), problem.field, problem.value, problem.reason)
                for row in one.errors
                for problem in row.problems
            ],
        ),
    )


def _list(title: str, items: list[str]) -> SafeString:
    if not items:
        return SafeString("")
    heading = format_html("<h2>{}</h2>\n", title) if title else SafeString("")
    return heading + format_html(
        "<ul>{}</ul>\n", format_html_join("", "<li>{}</li>", ((one,) for one in items))
    )


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> SafeString:
    if not rows:
        return SafeString("")
    return format_html(
        "<table>\n<tr>{}</tr>\n{}\n</table>\n",
        format_html_join("", "<th>{}</th>", ((one,) for one in heads)),
        format_html_join(
            "\n",
            "<tr>{}</tr>",
            ((format_html_join("", "<td>{}</td>", ((cell,) for cell in row)),) for row in rows),
        ),
    )


def _jsonable(report: ImportReport) -> object:
    return json.loads(json.dumps(report.document(), default=str))
