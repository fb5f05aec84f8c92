"""
Which nodes a report covers: its own column, and what it counts.

A node is *covered* when it was tested in the month of the report. The others are *stale* (tested
before), *never tested*, or *missing* (not in the report). A node that joined has no cells in older
columns.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from django_network_hc.engine.rows import Key, NodeLine

__all__ = ["ANNOTATIONS", "UNKNOWN_TYPE", "Annotation", "Coverage", "Node", "cover", "node_type"]

UNKNOWN_TYPE = "Not Known"
_NODE_TYPES = ("WDM", "OCS")


class Annotation(NamedTuple):
    """A finding that says that a node was not run properly; ``colour`` is that of its cell."""

    test: str
    text: str
    colour: str


ANNOTATIONS = (
    Annotation("1.1.1", "HC has to run internally on node as appl environment found", "FFC0CB"),
    Annotation("1.1.2", "HC was stopped during NECLI session request", "CCECFF"),
    Annotation("22.0.5", "Linux session could not be open", "FFFFBA"),
)
_ANNOTATED = {(one.test, one.text): one for one in ANNOTATIONS}


class Node(NamedTuple):
    """What is known of a node."""

    node: int
    kind: str
    location: str
    sid: str
    pss_type: str


@dataclass
class Coverage:
    """
    The column of a report.

    Attributes:
        nodes: as they are known now, those that joined last.
        cells: the day of the test of each node that the report names; None: never tested.
        joined: nodes that nobody knew before.
        missing: nodes that the report does not name.
        annotations: nodes that were tested and not run properly.
    """

    nodes: dict[int, Node]
    month: date
    cells: dict[int, date | None] = field(default_factory=dict)
    joined: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    annotations: dict[int, Annotation] = field(default_factory=dict)

    @property
    def covered(self) -> list[int]:
        """Return the nodes that were tested in the month of the report."""
        return [node for node, day in self.cells.items() if day and self._is_now(day)]

    @property
    def stale(self) -> list[int]:
        """Return the nodes whose test is of another month."""
        return [node for node, day in self.cells.items() if day and not self._is_now(day)]

    @property
    def never_tested(self) -> list[int]:
        """Return the nodes that were never tested."""
        return [node for node, day in self.cells.items() if day is None]

    def _is_now(self, day: date) -> bool:
        return (day.year, day.month) == (self.month.year, self.month.month)


def cover(
    known: Mapping[int, Node], lines: Iterable[NodeLine], *, month: date, open_cases: Iterable[Key]
) -> Coverage:
    """
    Return the column of a report.

    Args:
        known: the nodes so far, in their order.
        lines: of the report's summary.
        month: any day of the month of the report.
        open_cases: keys of the cases that are open after the report.
    """
    found = Coverage(nodes=dict(known), month=month)
    for line in lines:
        if line.node not in found.nodes:
            found.joined.append(line.node)
        found.nodes[line.node] = _updated(found.nodes.get(line.node), line)
        found.cells[line.node] = line.tested_on
    found.missing = [node for node in found.nodes if node not in found.cells]
    for node, test, _priority, _issue, text in open_cases:
        annotation = _ANNOTATED.get((test, text))
        if annotation and found.cells.get(node) is not None:
            found.annotations[node] = annotation
    return found


def node_type(pss_type: str) -> str:
    """Return what stands behind the first hyphen, such as WDM; unknown where there is none."""
    return pss_type.partition("-")[2].strip() or UNKNOWN_TYPE


def _updated(before: Node | None, line: NodeLine) -> Node:
    """Return what is known of a node now: names may change, and nothing known is forgotten."""
    pss_type = line.pss_type.strip()
    if before is None:
        return Node(
            line.node, node_type(pss_type), line.location, line.sid, pss_type or UNKNOWN_TYPE
        )
    kind = before.kind
    if kind not in _NODE_TYPES and pss_type:
        kind = node_type(pss_type)
    return Node(
        line.node,
        kind,
        line.location or before.location,
        line.sid or before.sid,
        pss_type or before.pss_type,
    )
