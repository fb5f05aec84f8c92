"""The two files that say what is ignored: tests for all nodes, and single findings."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from django_network_hc.engine.ignoring import Selection
from django_network_hc.exceptions import InputError
from django_network_hc.readers.cells import LONGEST_WORD, Columns, node_id
from django_network_hc.readers.workbooks import IGNORE_LIMITS, Limits, Workbook

__all__ = ["IgnoredFindings", "IgnoredTests", "read_ignored_findings", "read_ignored_tests"]

_TEST = re.compile(r"[0-9]+(\.[0-9]+)*")
_SHEET = "MAIN"
_MOST_NOTED = 20
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


def read_ignored_tests(path: Path, *, file: str = "", most_mb: float = 1) -> IgnoredTests:
    """
    Read the text file: a test on each line, and comments behind #.

    Raises:
        InputError: it cannot be opened, or is no text.
    """
    name = file or path.name
    try:
        if path.stat().st_size > most_mb * 1e6:
            raise InputError(name, f"it has more than {most_mb:g} MB: one test stands on a line.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(name, f"it cannot be opened: {error.strerror}.") from error
    if b"\0" in content:
        raise InputError(name, "it is no text: write one test on each line.")
    found = IgnoredTests()
    known: dict[str, None] = {}
    bad = 0
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        test = line.partition("#")[0].strip()
        if not test:
            continue
        if _TEST.fullmatch(test) and len(test) <= LONGEST_WORD:
            known[test] = None
            continue
        bad += 1
        if bad <= _MOST_NOTED:
            found.notes.append(f"Line {number} of {name} is no test: {test[:40]!r}.")
    if bad > _MOST_NOTED:
        found.notes.append(f"{bad - _MOST_NOTED} more lines of {name} are no tests.")
    found.tests = list(known)
    return found


def read_ignored_findings(
    path: Path, *, file: str = "", limits: Limits = IGNORE_LIMITS
) -> IgnoredFindings:
    """
    Read the workbook, with the columns of a report or those of a tracker.

    Raises:
        InputError: it is no such workbook; says where and why.
    """
    book = Workbook(path, limits, name=file)
    rows = book.rows(_SHEET)
    columns = Columns(next(rows, ()), _COLUMNS, file=book.name, sheet=_SHEET)
    found = IgnoredFindings()
    bad = 0
    for number, row in enumerate(rows, start=2):
        if not any(row):
            continue
        node = node_id(columns.cell(row, "node"))
        test = columns.text(row, "test").strip()
        priority, finding = (columns.text(row, one).strip() for one in ("priority", "text"))
        if node is None or not test or max(len(test), len(priority)) > LONGEST_WORD:
            bad += 1
            if bad <= _MOST_NOTED:
                found.notes.append(f"Row {number} of {book.name} has no HC Id or no test.")
            continue
        found.selections.append((node, test, priority, finding))
    if bad > _MOST_NOTED:
        found.notes.append(f"{bad - _MOST_NOTED} more rows of {book.name} are no findings.")
    return found
