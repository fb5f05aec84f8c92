"""Cases, as the sheets of a tracker have them."""

from collections.abc import Iterable, Sequence

from django_network_hc.engine.ignoring import Ignored
from django_network_hc.engine.rows import Case, Engineering
from django_network_hc.workbooks.tables import Column, Kind, Rows, Table

__all__ = ["COLUMNS", "cases_table", "ignored_cases"]

COLUMNS = (
    Column("HC Date", 11, Kind.DAY),
    Column("HC Id", 10, Kind.NUMBER),
    Column("Node IP", 15),
    Column("Location", 22),
    Column("Node User Label", 20),
    Column("NE Type", 16),
    Column("Network", 16),
    Column("Test Case", 10),
    Column("Category", 10),
    Column("Issue", 28),
    Column("Finding", 60),
    Column("Task", 60),
    Column("Status", 10),
    Column("Int/Ext", 8),
    Column("Flt Categ", 10),
    Column("HW Type", 12),
    Column("Card Sl#", 14),
    Column("Remarks", 40),
)


def cases_table(name: str, cases: Sequence[Case]) -> Table:
    """Return a sheet with these cases, the columns that engineers have added at its end."""
    added = dict.fromkeys(header for one in cases for header, _value in one.extras)
    columns = [*COLUMNS, *(Column(header, 16) for header in added)]
    if not added:
        return Table(name, columns, Rows(cases, _cells))
    return Table(
        name, columns, Rows(cases, lambda one: [*_cells(one), *map(dict(one.extras).get, added)])
    )


def ignored_cases(
    ignored: Iterable[Ignored], *, network: str, ne_types: dict[int, str]
) -> list[Case]:
    """
    Return what is ignored as rows of a tracker, each with the rule that it fell to.

    Args:
        ignored: of this report; what older reports had is in their own trackers.
        network: its name.
        ne_types: by node.
    """
    return [
        Case(
            key=one.finding.key,
            found_on=one.finding.tested_on,
            address=one.finding.address,
            location=one.finding.location,
            label=one.finding.label,
            ne_type=ne_types.get(one.finding.node, ""),
            network=network,
            task=one.finding.task,
            status="IGNORED",
            engineering=Engineering("NA", "NA", "NA", "NA", _rule(one)),
            row=0,
        )
        for one in ignored
    ]


def _rule(one: Ignored) -> str:
    if isinstance(one.rule, str):
        return f"Test {one.rule} is ignored on all nodes."
    if len(one.rule) == 2:
        return f"Test {one.rule[1]} is ignored on this node."
    return "This finding is ignored on this node."


def _cells(one: Case) -> Sequence[object]:
    node, test, priority, issue, text = one.key
    return (
        one.found_on,
        node,
        one.address,
        one.location,
        one.label,
        one.ne_type,
        one.network,
        test,
        priority,
        issue,
        text,
        one.task,
        one.status,
        *one.engineering,
    )
