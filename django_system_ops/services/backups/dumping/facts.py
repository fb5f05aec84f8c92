"""What is known about a dump."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["DumpFacts"]


@dataclass(frozen=True)
class DumpFacts:
    """
    What a dump was made of.

    Attributes:
        rows: of each table, at the moment of the dump.
        rows_after: of the tables that were written to meanwhile, where that moment cannot be had.
        migrations: those applied, as "app.name".
        journal_mode: of SQLite.
    """

    name: str
    server_version: str
    rows: Mapping[str, int]
    migrations: Sequence[str]
    tools: Mapping[str, str] = field(default_factory=dict)
    rows_after: Mapping[str, int] = field(default_factory=dict)
    journal_mode: str = ""
