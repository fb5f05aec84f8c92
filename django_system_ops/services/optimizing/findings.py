"""What was done to a database, and what could be."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Database", "Done", "Finding", "Note", "Step", "Wishes"]


@dataclass(frozen=True)
class Wishes:
    """
    What was asked for; without any of the first five: statistics, and advice.

    Attributes:
        tables: these alone; empty for all of the site's.
        lock_timeout_seconds: how long each statement may wait for a lock.
        idle_minutes: after how long without a word a transaction is an orphan.
        terminate: whether orphans are ended, and not only listed.
        most_queries: how many slow queries are listed.
        dead_rows_percent: from how many dead rows a table is named.
        used_up_percent: from how much of its numbers used up a key is named.
        free_factor: how many times the size of a file has to be free for writing it anew.
    """

    analyze: bool = False
    reindex: bool = False
    vacuum: bool = False
    slow_queries: bool = False
    orphans: bool = False
    terminate: bool = False
    tables: Sequence[str] = ()
    lock_timeout_seconds: float = 5.0
    idle_minutes: float = 10.0
    most_queries: int = 10
    dead_rows_percent: float = 20.0
    used_up_percent: float = 70.0
    free_factor: float = 2.0

    @property
    def are_none(self) -> bool:
        """Return whether nothing in particular was asked for."""
        asked = (self.analyze, self.reindex, self.vacuum, self.slow_queries, self.orphans)
        return not any(asked)


@dataclass(frozen=True)
class Step:
    """A statement that is to be run, about one table or one object of it."""

    kind: str
    table: str
    object: str
    sql: str


@dataclass(frozen=True)
class Done:
    """
    What became of a step.

    Attributes:
        seconds: how long it took; None when it was only to be told.
        error: why it did not work; empty when it did.
    """

    step: Step
    seconds: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Finding:
    """Something worth a look: what was measured, and what one could run. Never run by us."""

    kind: str
    table: str
    object: str
    evidence: str
    sql: str = ""


@dataclass(frozen=True)
class Note:
    """What the reader has to know to read the rest."""

    text: str


class Database(Protocol):
    """What one kind of database can do; ``tables`` are always names that are there."""

    def plan(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Step | Note]:
        """Yield what has to be run."""

    def waiting(self, seconds: float) -> AbstractContextManager[None]:
        """Let no statement in the block wait longer for a lock."""

    def run(self, step: Step) -> Iterator[Done | Finding]:
        """Run one step. What the database refuses is in what is yielded."""

    def advice(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Finding | Note]:
        """Yield what is worth a look; reads only."""

    def slow_queries(self, wishes: Wishes) -> Iterator[Finding | Note]:
        """Yield which queries took most of the time, or how to learn that."""

    def orphans(self, wishes: Wishes, *, dry_run: bool) -> Iterator[Finding | Done | Note]:
        """Yield transactions in which nothing happens; end them where that is wanted."""
