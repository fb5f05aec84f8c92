"""Lines of a report, as its findings sheet has them."""

from collections.abc import Sequence

from django_network_hc.engine.rows import Finding
from django_network_hc.workbooks.tables import Column, Kind, Rows, Table

__all__ = ["COLUMNS", "findings_table"]

COLUMNS = (
    Column("HCID", 10, Kind.NUMBER),
    Column("act FLC/EC", 15),
    Column("Location", 22),
    Column("UserLabel", 20),
    Column("Type", 8),
    Column("TestDate", 10),
    Column("Ver", 7),
    Column("Test", 9),
    Column("Res", 6),
    Column("Prio", 10),
    Column("Issue", 28),
    Column("Findings", 60),
    Column("Task", 60),
    Column("Release", 20),
)


def findings_table(name: str, findings: Sequence[Finding]) -> Table:
    """Return a sheet with these findings, ids as numbers and all else as the report has it."""
    return Table(name, COLUMNS, Rows(findings, _cells))


def _cells(one: Finding) -> Sequence[object]:
    day = "" if one.tested_on is None else f"{one.tested_on:%Y%m%d}"
    # All of a finding but its day, and its place in the report.
    return (*one[:5], day, *one[6:14])
