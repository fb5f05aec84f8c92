"""The column of a report is its own, and a node has one row."""

from collections.abc import Sequence
from datetime import date

import pytest

from django_network_hc.engine.coverage import ANNOTATIONS, UNKNOWN_TYPE, Node, cover, node_type
from django_network_hc.engine.rows import InventoryItem, Key, NodeLine
from django_network_hc.engine.stock import pivot

FEB = date(2025, 2, 6)


def line(node: int, tested_on: date | None = FEB, *, pss: str = "1830PSS8-WDM", **names: str):
    return NodeLine(node, names.get("location", "L"), names.get("sid", "S"), tested_on, "", "", pss)


def covered(*lines: NodeLine, known: tuple[Node, ...] = (), open_cases: Sequence[Key] = ()):
    return cover({one.node: one for one in known}, lines, month=FEB, open_cases=open_cases)


def test_nodes_are_counted_by_the_month_of_the_report():
    known = Node(9, "WDM", "L", "S", "1830PSS8-WDM")

    found = covered(
        line(1),
        line(2, date(2025, 2, 28)),
        line(3, date(2025, 1, 6)),
        line(4, None),
        known=(known,),
    )

    assert (found.covered, found.stale, found.never_tested, found.missing) == (
        [1, 2],
        [3],
        [4],
        [9],
    )
    assert found.joined == [1, 2, 3, 4]


def test_node_that_was_renamed_keeps_its_row():
    known = Node(1, "WDM", "OLD", "OLD", "1830PSS8-WDM")

    found = covered(line(1, location="NEW", sid=""), known=(known,))

    assert found.nodes == {1: Node(1, "WDM", "NEW", "OLD", "1830PSS8-WDM")}
    assert found.joined == []


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        (("WDM", "1830PSS8-WDM"), "", ("WDM", "1830PSS8-WDM")),
        ((UNKNOWN_TYPE, UNKNOWN_TYPE), "1830PSS8-OCS", ("OCS", "1830PSS8-OCS")),
        ((UNKNOWN_TYPE, "Not Available"), "", (UNKNOWN_TYPE, "Not Available")),
        (("OCS", ""), "1830PSS32-WDM", ("OCS", "1830PSS32-WDM")),
    ],
)
def test_type_of_a_node_is_learned_and_not_forgotten(before, given, after):
    found = covered(line(1, pss=given), known=(Node(1, before[0], "L", "S", before[1]),))

    assert (found.nodes[1].kind, found.nodes[1].pss_type) == after


def test_type_is_what_stands_behind_the_hyphen():
    assert node_type("1830PSS12x-WDM") == "WDM"
    assert node_type("") == node_type("1830PSS") == UNKNOWN_TYPE


def test_node_is_annotated_by_its_open_cases_where_it_was_tested():
    text, near = ANNOTATIONS[0].text, f"{ANNOTATIONS[0].text}."
    cases = ((1, "1.1.1", "WARNING", "", text), (2, "1.1.1", "WARNING", "", text))

    found = covered(
        line(1), line(2, None), line(3), open_cases=(*cases, (3, "1.1.1", "WARNING", "", near))
    )

    assert found.annotations == {1: ANNOTATIONS[0]}


def test_boards_are_counted_by_their_name_and_shelf():
    items = [
        InventoryItem(1, board, shelf, "", ())
        for board, shelf in [("B", "x"), ("A", "y"), ("A", "x"), ("A", "x"), ("", ""), ("A", "")]
    ]

    found = pivot(items)

    assert found == {
        "A": {"Blank": 1, "x": 2, "y": 1, "Total": 4},
        "B": {"x": 1, "Total": 1},
        "Blank": {"Blank": 1, "Total": 1},
    }
    assert list(found) == ["A", "B", "Blank"]
    assert pivot([]) == {}
