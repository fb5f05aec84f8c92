"""
A whole health check: a report, an inventory and the rules against what is known of the network.

Nothing here writes: an outcome is shown before it is taken, and taken as it was shown.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django_network_hc.engine.comparing import Comparison, Options, compare, unreliable_nodes
from django_network_hc.engine.coverage import Coverage, Node, cover
from django_network_hc.engine.ignoring import IgnoreRules, Sorted, sort
from django_network_hc.engine.rows import NEVER_TESTED, Finding, InventoryItem, Key, NodeLine
from django_network_hc.engine.stock import pivot

__all__ = ["MISSING", "Outcome", "Standing", "judge"]

#: What the column of a report says of a node that the report does not name.
MISSING = "Missing"


@dataclass(frozen=True)
class Standing:
    """
    What is known of a network before a report.

    Attributes:
        open_cases: in the order of the tracker.
        closed_cases: those that are closed, and open no more.
        case_count: how many cases there ever were.
        nodes: in the order of the tracker.
    """

    open_cases: Sequence[Key] = ()
    closed_cases: Set[Key] = frozenset()
    case_count: int = 0
    nodes: Mapping[int, Node] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a health check comes to."""

    day: date
    findings: Sequence[Finding] = field(repr=False)
    inventory: Sequence[InventoryItem] = field(repr=False)
    sorted: Sorted = field(repr=False)
    comparison: Comparison = field(repr=False)
    coverage: Coverage = field(repr=False)
    before: Standing = field(repr=False)

    @property
    def stock(self) -> dict[str, dict[str, int]]:
        """Return the boards by the type of their shelf."""
        return pivot(self.inventory)

    @property
    def after(self) -> Standing:
        """Return what is known of the network now."""
        comparison = self.comparison
        still = comparison.open_after
        closed = {*self.before.closed_cases, *comparison.closed, *comparison.unverified}
        return Standing(
            open_cases=still,
            closed_cases=closed - set(still),
            case_count=self.before.case_count + len(comparison.new),
            nodes=self.coverage.nodes,
        )

    def counts(self) -> dict[str, int]:
        """Return the numbers of the cases."""
        comparison, ruled = self.comparison, self.sorted
        distinct = len({one.key for one in ruled.active})
        return {
            "report_rows": len(self.findings),
            "duplicate_lines": len(self.findings) - len({one.key for one in self.findings}),
            "info_removed": len(ruled.informative),
            "ignored_global": len(ruled.by_test),
            "ignored_selective": len(ruled.by_selection),
            "active": len(ruled.active),
            "active_distinct": distinct,
            "closed": len(comparison.closed) + len(comparison.unverified),
            "closed_unverified": len(comparison.unverified),
            "new": len(comparison.new),
            "reopened": len(comparison.reopened),
            "open_after": len(comparison.open_after),
            "main_rows": self.before.case_count + len(comparison.new),
            "inventory_rows": len(self.inventory),
        }

    def coverage_counts(self) -> dict[str, Any]:
        """Return the numbers of the nodes, and the column of this report."""
        coverage = self.coverage
        column = {
            str(node): NEVER_TESTED if day is None else day.isoformat()
            for node, day in coverage.cells.items()
        }
        return {
            "total": len(coverage.nodes),
            "covered": len(coverage.covered),
            "not_covered": len(coverage.nodes) - len(coverage.covered),
            "stale": len(coverage.stale),
            "never_tested": len(coverage.never_tested),
            "missing": len(coverage.missing),
            "not_run_properly": len(coverage.annotations),
            "joined": sorted(coverage.joined),
            "missing_ids": sorted(coverage.missing),
            "not_run_properly_ids": sorted(coverage.annotations),
            "column": column | {str(node): MISSING for node in coverage.missing},
        }


def judge(
    before: Standing,
    *,
    day: date,
    findings: Sequence[Finding],
    lines: Sequence[NodeLine],
    inventory: Sequence[InventoryItem],
    rules: IgnoreRules,
    options: Options,
) -> Outcome:
    """
    Judge a report.

    Args:
        before: what is known of the network.
        day: that of the report.
        findings: of the report, as it has them.
        lines: the nodes of its summary.
        inventory: of the same month.
        rules: what is ignored.
        options: how cases are matched, and closed.
    """
    ruled = sort(findings, rules)
    comparison = compare(
        findings,
        ruled.active,
        open_cases=before.open_cases,
        closed_cases=before.closed_cases,
        unreliable=unreliable_nodes(
            {key[0] for key in before.open_cases},
            findings,
            {line.node: line.tested_on for line in lines},
            month=day,
        ),
        options=options,
    )
    coverage = cover(before.nodes, lines, month=day, open_cases=comparison.open_after)
    return Outcome(day, findings, inventory, ruled, comparison, coverage, before)
