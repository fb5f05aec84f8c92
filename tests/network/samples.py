"""A network of forty nodes: its tracker, three months of reports, and what each comes to."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from django_network_hc.engine.comparing import Options
from django_network_hc.engine.ignoring import IgnoreRules
from django_network_hc.engine.ledger import standing
from django_network_hc.engine.outcome import Outcome, Standing, judge
from django_network_hc.readers import (
    Inventory,
    Report,
    Tracker,
    read_ignored_findings,
    read_ignored_tests,
    read_inventory,
    read_report,
    read_tracker,
)

DATA = Path(__file__).parent / "data"
NETWORK = "Alder_DWDM"
TRACKER = DATA / "tracker0" / f"{NETWORK}_HC_Issues_Tracker.xlsx"
IGNORED_TESTS = DATA / "ignore" / f"{NETWORK}_ignored_test_cases.txt"
IGNORED_FINDINGS = DATA / "ignore" / f"{NETWORK}_ignored_test_cases.xlsx"

EXPECTED: list[dict[str, Any]] = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))


def folder(month: int) -> Path:
    """Return where the files of a month lie, from 0."""
    return next(DATA.glob(f"r{month + 1:02}_*"))


@cache
def report(month: int) -> Report:
    return read_report(folder(month) / EXPECTED[month]["report"])


@cache
def inventory(month: int) -> Inventory:
    return read_inventory(folder(month) / f"{NETWORK}_Inventory.csv")


@cache
def tracker() -> Tracker:
    return read_tracker(TRACKER)


@cache
def rules() -> IgnoreRules:
    return IgnoreRules(
        frozenset(read_ignored_tests(IGNORED_TESTS).tests),
        frozenset(read_ignored_findings(IGNORED_FINDINGS).selections),
    )


def beginning() -> Standing:
    """Return what the tracker knows."""
    return standing(tracker().cases["MAIN"], tracker().nodes)


def outcome(before: Standing, month: int, options: Options | None = None) -> Outcome:
    """Judge a month."""
    found = report(month)
    return judge(
        before,
        day=found.name.day,
        findings=found.findings,
        lines=found.nodes,
        inventory=inventory(month).items,
        rules=rules(),
        options=options or Options(),
    )
