"""
A report against the cases that are open: what is new, what stays, what is over.

With O the open cases, R all findings of the report and A those that are followed, the open cases
afterwards are (O and R) or (A without O). So a case that somebody ignores later stays open for as
long as the report has it, and one that comes back is a new case that knows the one before.

A case is over when the report has its finding no more. That is sure only where the node was tested:
one that is missing from the report, that was not run this month or whose run was broken off says
nothing, and its cases are closed as *unverified*, or stay open when that is wanted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date

from django_network_hc.engine.masking import masked
from django_network_hc.engine.rows import Finding, Key

__all__ = ["BROKEN_OFF", "Comparison", "Options", "compare", "unreliable_nodes"]

#: Tests that say that a node was not really checked.
BROKEN_OFF = frozenset({"1.1.1", "1.1.2", "22.0.5"})


@dataclass(frozen=True)
class Options:
    """
    How to compare.

    Attributes:
        masked_tests: tests whose findings are the same whatever their numbers are.
        holds_unverified: whether cases stay open that cannot be verified.
    """

    masked_tests: frozenset[str] = frozenset()
    holds_unverified: bool = False


@dataclass
class Comparison:
    """
    What a report comes to; each open case is in one of still_open, closed, unverified and held.

    Attributes:
        new: findings that become cases, one for each key, by the day of their test.
        still_open: the finding of each case that stays; another one than before where it is masked.
        closed: cases that are over, the node having been tested.
        unverified: cases that are closed though nobody can know.
        held: cases that stay open since nobody can know.
        reopened: of the new ones, those that were a case before.
        occurrences: how many lines of the report each followed key has.
    """

    new: list[Finding] = field(default_factory=list)
    still_open: dict[Key, Finding] = field(default_factory=dict)
    closed: list[Key] = field(default_factory=list)
    unverified: list[Key] = field(default_factory=list)
    held: list[Key] = field(default_factory=list)
    reopened: list[Key] = field(default_factory=list)
    occurrences: dict[Key, int] = field(default_factory=dict)

    @property
    def open_after(self) -> list[Key]:
        """Return the keys of the cases that are open afterwards."""
        stay = [one.key for one in self.still_open.values()]
        return [*stay, *self.held, *(one.key for one in self.new)]


def compare(
    findings: Iterable[Finding],
    active: Iterable[Finding],
    *,
    open_cases: Collection[Key],
    closed_cases: Set[Key] = frozenset(),
    unreliable: Set[int] = frozenset(),
    options: Options,
) -> Comparison:
    """
    Compare.

    Args:
        findings: all of the report, ignored ones included.
        active: those of them that are followed.
        open_cases: keys, in the order in which they are to come out.
        closed_cases: keys of all that were a case once and are none now.
        unreliable: nodes of which the report says nothing.
        options: how to.
    """
    mask = options.masked_tests
    present: dict[Key, Finding] = {}
    alike: defaultdict[Key, list[Finding]] = defaultdict(list)
    for one in findings:
        if one.key not in present:
            present[one.key] = one
            if one.test in mask:
                alike[masked(one.key, mask)].append(one)
    # One case for each key, whatever was done to the tracker.
    open_cases = list(dict.fromkeys(open_cases))
    found = Comparison()
    _match_open(found, present, alike, open_cases, options, unreliable)
    taken = {one.key for one in found.still_open.values()} | set(open_cases)
    was = {masked(key, mask) for key in closed_cases}
    # By the day of the test; those without one first, and otherwise as the report has them.
    for one in sorted(active, key=lambda one: one.tested_on or date.min):
        key = one.key
        found.occurrences[key] = found.occurrences.get(key, 0) + 1
        if key in taken:
            continue
        taken.add(key)
        found.new.append(one)
        if masked(key, mask) in was:
            found.reopened.append(key)
    return found


def unreliable_nodes(
    nodes: Iterable[int],
    findings: Iterable[Finding],
    tested_on: Mapping[int, date | None],
    *,
    month: date,
) -> set[int]:
    """
    Return those of these nodes of which a report says nothing sure.

    Args:
        nodes: those of the open cases.
        findings: all of the report.
        tested_on: of the nodes that the report names; None for one that was never tested.
        month: any day of the month of the report.
    """
    broken_off = {one.node for one in findings if one.test in BROKEN_OFF}
    tested = {
        node
        for node, day in tested_on.items()
        if day is not None and (day.year, day.month) == (month.year, month.month)
    }
    return set(nodes) - tested | broken_off


def _match_open(
    found: Comparison,
    present: Mapping[Key, Finding],
    alike: Mapping[Key, list[Finding]],
    open_cases: Collection[Key],
    options: Options,
    unreliable: Set[int],
) -> None:
    """Find the finding of each open case: the same one first, then one that is like it."""
    for key in open_cases:
        if key in present:
            found.still_open[key] = present[key]
    known = set(found.still_open)
    free = {like: [one for one in group if one.key not in known] for like, group in alike.items()}
    for key in open_cases:
        if key in known:
            continue
        group = free.get(masked(key, options.masked_tests))
        if group:
            found.still_open[key] = group.pop(0)
        elif key[0] not in unreliable:
            found.closed.append(key)
        elif options.holds_unverified:
            found.held.append(key)
        else:
            found.unverified.append(key)
