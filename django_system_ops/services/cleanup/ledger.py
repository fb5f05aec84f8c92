"""What a dry run has counted already: a row that two others take along goes only once."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from types import TracebackType
from typing import Any, Self

from django_opskit.batches import batches

__all__ = ["Ledger", "NoLedger"]


class NoLedger:
    """In a real run what is gone is gone: the database knows."""

    def fresh(self, space: str, keys: Iterable[Any]) -> set[Any]:
        """Return those that are still there."""
        return set(keys)

    def add(self, space: str, keys: Iterable[Any]) -> None:
        """Note that they are gone."""


class Ledger(NoLedger):
    """
    Keeps keys in a file that vanishes with it: a million need no memory.

    ``space`` is what the keys are of: a model, or a field that is set to NULL.
    """

    _AT_ONCE = 500  # SQLite has room for 999 parameters at the least

    def __init__(self) -> None:
        # SQLite removes a database without a name by itself, and keeps little of it in memory.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA synchronous=OFF")
        self._file.execute("PRAGMA cache_size=-4000")
        self._file.execute(
            "CREATE TABLE gone (space TEXT, key TEXT, PRIMARY KEY (space, key)) WITHOUT ROWID"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def fresh(self, space: str, keys: Iterable[Any]) -> set[Any]:
        """Return those that were not counted yet."""
        by_text = {str(key): key for key in keys}
        for some in batches(list(by_text), self._AT_ONCE):
            marks = ", ".join("?" * len(some))
            sql = f"SELECT key FROM gone WHERE space = ? AND key IN ({marks})"  # noqa: S608  # marks
            with closing(self._file.execute(sql, [space, *some])) as cursor:
                for (text,) in cursor:
                    del by_text[text]
        return set(by_text.values())

    def add(self, space: str, keys: Iterable[Any]) -> None:
        """Note that they are counted."""
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT OR IGNORE INTO gone VALUES (?, ?)", ((space, str(key)) for key in keys)
        )
        self._file.execute("COMMIT")
