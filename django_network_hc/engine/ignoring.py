"""
Which findings nobody wants to follow, and by which rule.

A *global* rule names a test, for all nodes; a *selective* one names a finding of a node, whatever
its issue is called, or a test of a node. Global rules come first, as they always did.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from django_network_hc.engine.rows import Finding

__all__ = ["IgnoreRules", "Ignored", "NodeTest", "Rule", "Selection", "Sorted", "sort"]

#: HC id, test.
NodeTest = tuple[int, str]

#: HC id, test, priority, finding.
Selection = tuple[int, str, str, str]

#: A test on all nodes, a test of one, or a finding of one.
Rule = str | NodeTest | Selection


class Ignored(NamedTuple):
    """A finding, and the rule that it fell to."""

    finding: Finding
    rule: Rule


@dataclass(frozen=True)
class IgnoreRules:
    """The rules of a network."""

    tests: frozenset[str] = frozenset()
    selections: frozenset[Selection] = frozenset()
    node_tests: frozenset[NodeTest] = frozenset()

    def rule_of(self, finding: Finding) -> Rule | None:
        """Return the rule that a finding falls to; None when it is followed."""
        if finding.test in self.tests:
            return finding.test
        if self.node_tests and (finding.node, finding.test) in self.node_tests:
            return (finding.node, finding.test)
        selection = (finding.node, finding.test, finding.priority, finding.text)
        return selection if selection in self.selections else None


@dataclass
class Sorted:
    """
    The findings of a report by what is done with them.

    Attributes:
        informative: lines that are no finding.
        hits: how many findings fell to each rule; one that is missing here fell to none.
    """

    informative: list[Finding] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    active: list[Finding] = field(default_factory=list)
    hits: Counter[Rule] = field(default_factory=Counter)

    @property
    def by_test(self) -> list[Ignored]:
        """Return those that a global rule took."""
        return [one for one in self.ignored if isinstance(one.rule, str)]

    @property
    def by_selection(self) -> list[Ignored]:
        """Return those that a selective rule took."""
        return [one for one in self.ignored if not isinstance(one.rule, str)]


def sort(findings: Iterable[Finding], rules: IgnoreRules) -> Sorted:
    """Return the findings by what is done with them, each in the order of the report."""
    found = Sorted()
    for one in findings:
        if one.priority.casefold() == "info":
            found.informative.append(one)
            continue
        rule = rules.rule_of(one)
        if rule is None:
            found.active.append(one)
        else:
            found.ignored.append(Ignored(one, rule))
            found.hits[rule] += 1
    return found
