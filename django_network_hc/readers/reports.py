"""A report: its findings, and the nodes of its summary."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django_network_hc.engine.rows import NEVER_TESTED, Finding, NodeLine
from django_network_hc.exceptions import InputError
from django_network_hc.readers.cells import Columns, check_words, day, node_id, text
from django_network_hc.readers.names import ReportName, report_name
from django_network_hc.readers.workbooks import REPORT_LIMITS, Limits, Workbook

__all__ = ["FINDINGS", "SUMMARY", "Report", "read_report"]

_SUMS = "total network issues"

FINDINGS, SUMMARY = "CWBP", "Network Report Summary"

_FINDING_COLUMNS: dict[str, tuple[str, ...]] = {
    "node": ("HCID",),
    "address": ("act FLC/EC",),
    "location": ("Location",),
    "label": ("UserLabel",),
    "kind": ("Type",),
    "tested_on": ("TestDate",),
    "version": ("Ver",),
    "test": ("Test",),
    "result": ("Res",),
    "priority": ("Prio",),
    "issue": ("Issue",),
    "text": ("Findings",),
    "task": ("Task",),
    "release": ("Release",),
}
_SUMMARY_COLUMNS: dict[str, tuple[str, ...]] = {
    "site": ("Site Name",),
    "node": ("HCID",),
    "tested_on": ("HC Date",),
    "address": ("act FLC/EC",),
    "release": ("Release",),
    "pss_type": ("PSS Type",),
}


@dataclass
class Report:
    """
    A report.

    Attributes:
        findings: in the order of their sheet; ``rows`` is their number there.
        nodes: in the order of the summary.
        header: of the findings, as it came.
        notes: what was odd and did no harm.
    """

    name: ReportName
    findings: list[Finding] = field(default_factory=list, repr=False)
    nodes: list[NodeLine] = field(default_factory=list, repr=False)
    header: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


def read_report(path: Path, *, file: str = "", limits: Limits = REPORT_LIMITS) -> Report:
    """
    Read a report.

    Args:
        path: where it lies.
        file: its name, when it lies under another one.
        limits: how large it may be.

    Raises:
        InputError: it is no report; says where and why.
    """
    name = report_name(file or path.name)
    book = Workbook(path, limits, name=file)
    report = Report(name)
    _read_findings(book, report)
    _read_nodes(book, report)
    return report


def _read_findings(book: Workbook, report: Report) -> None:
    rows = book.rows(FINDINGS)
    header = next(rows, ())
    columns = Columns(header, _FINDING_COLUMNS, file=book.name, sheet=FINDINGS)
    report.header = tuple(text(one) for one in header)
    undated = 0
    # Names, tests and tasks come again and again: each is kept once.
    once: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        if not any(row):
            continue
        node = node_id(columns.cell(row, "node"))
        if node is None:
            raise _refusal(book, FINDINGS, number, columns.cell(row, "node"))
        given = {one: columns.text(row, one) for one in _FINDING_COLUMNS}
        given = {name: once.setdefault(value, value) for name, value in given.items()}
        check_words(given, _FINDING_COLUMNS, file=book.name, sheet=FINDINGS, row=number)
        tested_on = day(columns.cell(row, "tested_on"))
        undated += tested_on is None
        report.findings.append(
            Finding(
                node=node,
                address=given["address"],
                location=given["location"],
                label=given["label"],
                kind=given["kind"],
                tested_on=tested_on,
                version=given["version"],
                test=given["test"].strip(),
                result=given["result"],
                priority=given["priority"].strip(),
                issue=given["issue"].strip(),
                text=given["text"].strip(),
                task=given["task"],
                release=given["release"],
                row=number,
            )
        )
    if undated:
        report.notes.append(f"{undated} findings have no day in TestDate.")


def _read_nodes(book: Workbook, report: Report) -> None:
    rows = book.rows(SUMMARY)
    columns = Columns(next(rows, ()), _SUMMARY_COLUMNS, file=book.name, sheet=SUMMARY)
    seen: set[int] = set()
    for number, row in enumerate(rows, start=2):
        node = node_id(columns.cell(row, "node"))
        # The sums at the end have no id, and neither has the blank row before them.
        if node is None:
            site = columns.text(row, "site").strip()
            if site and site.casefold() != _SUMS and not columns.text(row, "node").strip():
                report.notes.append(f"Row {number} of {SUMMARY} has no HCID: {site[:60]!r}.")
            if columns.text(row, "node").strip():
                raise _refusal(book, SUMMARY, number, columns.cell(row, "node"))
            continue
        if node in seen:
            report.notes.append(f"Node {node} is in the summary twice: the first counts.")
            continue
        seen.add(node)
        location, _slash, sid = columns.text(row, "site").partition("/")
        when = columns.cell(row, "tested_on")
        tested_on = day(when)
        if tested_on is None and text(when).strip().casefold() not in (NEVER_TESTED, ""):
            report.notes.append(f"HC Date of node {node} is {text(when)!r}, which is no day.")
        report.nodes.append(
            NodeLine(
                node=node,
                location=location.strip(),
                sid=sid.strip(),
                tested_on=tested_on,
                address=columns.text(row, "address").strip(),
                release=columns.text(row, "release").strip(),
                pss_type=columns.text(row, "pss_type").strip(),
            )
        )
    if not report.nodes:
        raise InputError(book.name, "it names no node.", sheet=SUMMARY)


def _refusal(book: Workbook, sheet: str, row: int, cell: Any) -> InputError:
    return InputError(
        book.name,
        f"{text(cell)!r} is no HC id: it must be a number.",
        sheet=sheet,
        row=row,
        column="HCID",
    )
