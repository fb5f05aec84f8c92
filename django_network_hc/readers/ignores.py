"""The two files that say what is ignored: tests for all nodes, and single findings."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from django_network_hc.engine.ignoring import Selection
from django_network_hc.exceptions import InputError
from django_network_hc.readers.cells import Columns, node_id
from django_network_hc.readers.workbooks import IGNORE_LIMITS, Limits, Workbook

__all__ = ["IgnoredFindings", "IgnoredTests", "read_ignored_findings", "read_ignored_tests"]

_TEST = re.compile(r"\d+(\.\d+)*")
_SHEET = "MAIN"
_COLUMNS: dict[str, tuple[str, ...]] = {
    "node": ("HC Id", "HCID"),
    "test": ("Test", "Test Case"),
    "priority": ("Prio", "Category"),
    "text": ("Findings", "Finding"),
}


@dataclass
class IgnoredTests:
    """Tests that are ignored on all nodes; ``notes`` says which lines are no test."""

    tests: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class IgnoredFindings:
    """Findings that are ignored on their node; ``notes`` says which rows are none."""

    selections: list[Selection] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_ignored_tests(path: Path, *, file: str = "") -> IgnoredTests:
    """
    Read the text file: a test on each line, and comments behind #.

    Raises:
        InputError: it cannot be opened, or is no text.
    """
    name = file or path.name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(name, f"it cannot be opened: {error.strerror}.") from error
    if b"\0" in content:
        raise InputError(name, "it is no text: write one test on each line.")
    found = IgnoredTests()
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        test = line.partition("#")[0].strip()
        if not test:
            continue
        if not _TEST.fullmatch(test):
            found.notes.append(f"Line {number} of {name} is no test: {test[:40]!r}.")
        elif test not in found.tests:
            found.tests.append(test)
    return found


def read_ignored_findings(
    path: Path, *, file: str = "", limits: Limits = IGNORE_LIMITS
) -> IgnoredFindings:
    """
    Read the workbook, with the columns of a report or those of a tracker.

    Raises:
        InputError: it is no such workbook; says where and why.
    """
    book = Workbook(path, limits)
    book.name = file or path.name
    rows = book.rows(_SHEET)
    columns = Columns(next(rows, ()), _COLUMNS, file=book.name, sheet=_SHEET)
    found = IgnoredFindings()
    for number, row in enumerate(rows, start=2):
        if not any(row):
            continue
        node = node_id(columns.cell(row, "node"))
        test = columns.text(row, "test").strip()
        if node is None or not test:
            found.notes.append(f"Row {number} of {book.name} has no HC Id or no test.")
            continue
        priority, finding = (columns.text(row, one).strip() for one in ("priority", "text"))
        found.selections.append((node, test, priority, finding))
    return found
