"""The cases of a network, carried from one report to the next."""

from collections.abc import Iterable

from django_network_hc.engine.coverage import Node
from django_network_hc.engine.outcome import Outcome
from django_network_hc.engine.rows import Case, Engineering, Finding

__all__ = ["CLOSED", "OPEN", "UNKNOWN_NE_TYPE", "advanced", "is_open"]

OPEN, CLOSED, IGNORED = "OPEN", "CLOSED", "IGNORED"
UNKNOWN_NE_TYPE = "Unknown"

#: What a new case has before an engineer has looked at it.
_UNTOUCHED = Engineering(origin="Int", category="TBD")


def is_open(status: str) -> bool:
    """Return whether a status is that of an open case: any but closed and ignored, in any case."""
    return status.strip().upper() not in (CLOSED, IGNORED)


def advanced(cases: Iterable[Case], outcome: Outcome, *, network: str) -> list[Case]:
    """
    Return the cases after a report: in their order, those that are new at the end.

    An open case keeps whatever status engineers gave it, until the report closes it.
    """
    comparison, nodes = outcome.comparison, outcome.coverage.nodes
    over = {*comparison.closed, *comparison.unverified}
    found = [_after(one, outcome, is_over=one.key in over) for one in cases]
    new = sorted(comparison.new, key=lambda one: one.tested_on or outcome.day)
    return [*found, *(_begun(one, nodes.get(one.node), outcome, network) for one in new)]


def _after(case: Case, outcome: Outcome, *, is_over: bool) -> Case:
    if not is_open(case.status):
        return case
    if is_over:
        return case._replace(status=CLOSED)
    finding = outcome.comparison.still_open.get(case.key)
    if finding is not None and finding.key != case.key:
        # The same issue with other numbers.
        return case._replace(key=finding.key)
    return case


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
        engineering=_UNTOUCHED,
        row=0,
    )
