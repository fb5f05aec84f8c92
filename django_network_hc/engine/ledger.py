"""The cases of a network, carried from one report to the next."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from django_network_hc.engine.coverage import Node
from django_network_hc.engine.outcome import Outcome, Standing
from django_network_hc.engine.rows import Case, Engineering, Finding, Key

__all__ = [
    "CLOSED",
    "OPEN",
    "UNKNOWN_NE_TYPE",
    "UNTOUCHED",
    "Ledger",
    "advanced",
    "folded",
    "is_open",
    "standing",
]

OPEN, CLOSED, IGNORED = "OPEN", "CLOSED", "IGNORED"
UNKNOWN_NE_TYPE = "Unknown"

#: What a new case has before an engineer has looked at it.
UNTOUCHED = Engineering(origin="Int", category="TBD")


class Ledger(NamedTuple):
    """
    The cases after a report.

    Attributes:
        cases: all that ever were, in their order, those that are new at the end.
        closed: those that this report has closed.
        begun: those that are new.
    """

    cases: list[Case]
    closed: list[Case]
    begun: list[Case]


def is_open(status: str) -> bool:
    """Return whether a status is that of an open case: any but closed and ignored, in any case."""
    return status.strip().upper() not in (CLOSED, IGNORED)


def standing(cases: Sequence[Case], nodes: Mapping[int, Node]) -> Standing:
    """Return what is known of a network that has these cases and nodes, as before a report."""
    still = [one.key for one in cases if is_open(one.status)]
    return Standing(
        open_cases=still,
        closed_cases={one.key for one in cases} - set(still),
        case_count=len(cases),
        nodes=nodes,
    )


def advanced(
    cases: Iterable[Case],
    outcome: Outcome,
    *,
    network: str,
    written: Mapping[Key, Case] | None = None,
) -> Ledger:
    """
    Carry cases over a report.

    An open case keeps whatever status engineers gave it, until the report closes it.

    Args:
        cases: before the report.
        outcome: of the report.
        network: its name, for cases that are new.
        written: what engineers have written into some of these already, when a report is judged
            again.
    """
    comparison, nodes = outcome.comparison, outcome.coverage.nodes
    over = {*comparison.closed, *comparison.unverified}
    found: list[Case] = []
    closed: list[Case] = []
    for case in cases:
        if is_open(case.status) and case.key in over:
            closed.append(case._replace(status=CLOSED))
            found.append(closed[-1])
        else:
            found.append(_renumbered(case, outcome))
    new = sorted(comparison.new, key=lambda one: one.tested_on or outcome.day)
    begun = [_begun(one, nodes.get(one.node), outcome, network) for one in new]
    if written:
        begun = [_with_written(one, written.get(one.key)) for one in begun]
    return Ledger([*found, *begun], closed, begun)


def folded(cases: Iterable[Case]) -> tuple[list[Case], list[str]]:
    """
    Return cases with one open row for each key, and a note on each row that was one too many.

    Older trackers have an open case twice where its report had the finding twice. What engineers
    wrote into either row stays: what one has not, the other has, and two remarks stand together.
    """
    found: list[Case] = []
    place: dict[Key, int] = {}
    notes: list[str] = []
    for case in cases:
        if is_open(case.status) and case.key in place:
            first = found[place[case.key]]
            found[place[case.key]] = _joined(first, case)
            notes.append(f"Rows {first.row} and {case.row} are the same open case: taken as one.")
            continue
        if is_open(case.status):
            place[case.key] = len(found)
        found.append(case)
    return found, notes


def _joined(first: Case, second: Case) -> Case:
    own, other = first.engineering, second.engineering
    values = [one or another for one, another in zip(own, other, strict=True)]
    if own.remarks and other.remarks and own.remarks != other.remarks:
        values[-1] = f"{own.remarks} | {other.remarks}"
    extras = {**dict(second.extras), **{name: one for name, one in first.extras if one}}
    return first._replace(engineering=Engineering(*values), extras=tuple(extras.items()))


def _renumbered(case: Case, outcome: Outcome) -> Case:
    """Return an open case with the numbers that its finding has now."""
    if not is_open(case.status):
        return case
    finding = outcome.comparison.still_open.get(case.key)
    if finding is None or finding.key == case.key:
        return case
    return case._replace(key=finding.key)


def _with_written(case: Case, before: Case | None) -> Case:
    """Return a case that was begun before, with what was written into it since."""
    if before is None:
        return case
    own = before._replace(found_on=case.found_on, task=case.task, ne_type=case.ne_type)
    return own if is_open(own.status) else own._replace(status=OPEN)


def _begun(finding: Finding, node: Node | None, outcome: Outcome, network: str) -> Case:
    return Case(
        key=finding.key,
        found_on=finding.tested_on or outcome.day,
        address=finding.address,
        location=finding.location,
        label=finding.label,
        ne_type=node.pss_type if node and node.pss_type else UNKNOWN_NE_TYPE,
        network=network,
        task=finding.task,
        status=OPEN,
        engineering=UNTOUCHED,
        row=0,
    )
