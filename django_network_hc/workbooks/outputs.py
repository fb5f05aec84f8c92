"""The files of a health check, under the names that they were published with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from django_network_hc.engine.ledger import Ledger, is_open
from django_network_hc.engine.outcome import MISSING, Outcome
from django_network_hc.engine.rows import NEVER_TESTED
from django_network_hc.workbooks.books import Book
from django_network_hc.workbooks.cases import cases_table, ignored_cases
from django_network_hc.workbooks.findings import findings_table
from django_network_hc.workbooks.summary import Numbers
from django_network_hc.workbooks.tables import Table
from django_network_hc.workbooks.trackers import TrackerContent, write_tracker

__all__ = ["Check", "column_of", "delivered_name", "tracker_name", "write_outputs"]


@dataclass(frozen=True)
class Check:
    """
    A health check that is to be written.

    Attributes:
        ledger: the cases after the report.
        columns: what older reports said of each node, the oldest first.
        report, inventory: names of the files that came in.
    """

    network: str
    outcome: Outcome = field(repr=False)
    ledger: Ledger = field(repr=False)
    columns: dict[date, dict[int, date | str]] = field(repr=False)
    inventory_header: Sequence[str] = field(repr=False)
    report: str
    inventory: str


def tracker_name(network: str) -> str:
    """Return what the tracker of a network is called."""
    return f"{network}_HC_Issues_Tracker.xlsx"


def delivered_name(network: str, day: date) -> str:
    """Return what the tracker is called that goes with a report."""
    return f"{network}_HC_Issues_Tracker_{day:%d-%m-%Y}.xlsx"


def write_outputs(
    folder: Path, check: Check, written: Callable[[Path], None] | None = None
) -> list[Path]:
    """
    Write all files into a folder of this run alone, the tracker last, and return them.

    Args:
        folder: which is there, and empty.
        check: what to write.
        written: told each file that is complete.
    """
    outcome, network = check.outcome, check.network
    day, ruled, found = outcome.day, outcome.sorted, outcome.comparison
    by_selection = [one.finding for one in ruled.by_selection]
    # As they always were: what is left after the first step of sorting out, in the report's order.
    two_step = sorted([*ruled.active, *by_selection], key=lambda one: one.row)
    active = sorted(ruled.active, key=lambda one: one.tested_on or date.min)
    tables = {
        "extracted_hc_test_cases.xlsx": findings_table("W & F", outcome.findings),
        "two_step_extracted.xlsx": findings_table("2 Step Extracted", two_step),
        "filtered_from_extracted_hc_test_cases.xlsx": findings_table("Filtered", active),
        "ignored_from_extracted_hc_test_cases.xlsx": findings_table("Ignored", by_selection),
        f"Closed in_{network}_{day:%Y%m%d}.xlsx": cases_table(
            "CLOSED in Master", check.ledger.closed
        ),
        f"New cases found in_{network}_{day:%Y%m%d}.xlsx": findings_table(
            "NEW Cases found", found.new
        ),
        f"{network}_OPEN cases for TAC_{day:%d-%b-%Y}.xlsx": cases_table(
            "OPEN Cases for TAC", [one for one in check.ledger.cases if is_open(one.status)]
        ),
    }
    paths = []
    for name, table in tables.items():
        paths.append(_written(folder / name, table))
        if written is not None:
            written(paths[-1])
    tracker = folder / delivered_name(network, day)
    write_tracker(tracker, _content(check))
    if written is not None:
        written(tracker)
    return [*paths, tracker]


def column_of(outcome: Outcome) -> dict[int, date | str]:
    """Return what a report says of each node."""
    coverage = outcome.coverage
    said: dict[int, date | str] = {
        node: NEVER_TESTED if day is None else day for node, day in coverage.cells.items()
    }
    return said | dict.fromkeys(coverage.missing, MISSING)


def _written(path: Path, table: Table) -> Path:
    with Book(path) as book:
        book.add(table)
    return path


def _content(check: Check) -> TrackerContent:
    outcome = check.outcome
    coverage, counts = outcome.coverage, outcome.counts()
    nodes = list(coverage.nodes.values())
    # A report of the same day again has the same column, and no second one.
    columns = {**check.columns, outcome.day: column_of(outcome)}
    return TrackerContent(
        day=outcome.day,
        report=check.report,
        inventory_file=check.inventory,
        numbers=Numbers(
            total=len(nodes),
            covered=len(coverage.covered),
            not_covered=len(nodes) - len(coverage.covered),
            not_run_properly=len(coverage.annotations),
            open_cases=counts["open_after"],
            new=counts["new"],
            closed=counts["closed"],
        ),
        stock=outcome.stock,
        cases=check.ledger.cases,
        ignored=ignored_cases(
            outcome.sorted.ignored,
            network=check.network,
            ne_types={one.node: one.pss_type for one in nodes},
        ),
        nodes=nodes,
        columns=dict(sorted(columns.items())),
        annotations=coverage.annotations,
        inventory_header=check.inventory_header,
        inventory=outcome.inventory,
    )
