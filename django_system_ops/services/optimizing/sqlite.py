"""Care for SQLite."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from django_system_ops.engine.duplicate_indexes import Index, redundancies
from django_system_ops.services.optimizing.findings import Done, Finding, Note, Step, Wishes
from django_system_ops.services.optimizing.statements import Server, size

__all__ = ["SQLite"]

_INDEXES = """
SELECT t.name, i.name, i."unique", i.origin, i.partial, x.name, x.coll, x."desc", s.sql
FROM sqlite_master t, pragma_index_list(t.name) i, pragma_index_xinfo(i.name) x
LEFT JOIN sqlite_master s ON s.type = 'index' AND s.name = i.name
WHERE t.type = 'table' AND x.key
ORDER BY t.name, i.name, x.seqno
"""
_KEYS = """
SELECT t.name, f."from", f."table"
FROM sqlite_master t, pragma_foreign_key_list(t.name) f
WHERE t.type = 'table' AND f.seq = 0
ORDER BY t.name, f."from"
"""
_INCREMENTAL = 2
_VACUUM_FREE = "PRAGMA incremental_vacuum"


class SQLite(Server):
    """Statistics, indexes, the file."""

    _free_factor = 2.0

    def plan(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Step | Note]:
        """Yield a statement for each table; VACUUM is for the whole file."""
        self._free_factor = wishes.free_factor
        for table in tables:
            if wishes.analyze or wishes.are_none:
                yield Step("analyze", table, table, f"ANALYZE {self.quoted(table)}")
            if wishes.reindex:
                yield Step("reindex", table, table, f"REINDEX {self.quoted(table)}")
        if wishes.are_none:
            yield Step("optimize", "", "database", "PRAGMA optimize")
        if wishes.vacuum:
            if wishes.tables:
                yield Note("VACUUM is for the whole file, whatever --table says.")
            is_incremental = self.value("PRAGMA auto_vacuum") == _INCREMENTAL
            sql = _VACUUM_FREE if is_incremental else "VACUUM"
            yield Step("vacuum", "", "database", sql)

    def rows(self, sql: str, *parameters: Any) -> list[Any]:
        """Return what a query finds."""
        if sql != _VACUUM_FREE:
            return super().rows(sql, *parameters)
        # It gives back a page for each step, and execute() takes one step of what has no columns.
        self.connection.ensure_connection()
        with self.connection.wrap_database_errors:
            self.connection.connection.executescript(sql)
        return []

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Set the busy timeout: there is one lock, the file's."""
        before = self.value("PRAGMA busy_timeout")
        self.rows(f"PRAGMA busy_timeout = {max(1, round(seconds * 1000))}")
        try:
            yield
        finally:
            self.rows(f"PRAGMA busy_timeout = {int(before)}")

    def run(self, step: Step) -> Iterator[Done | Finding]:
        """Run a step; VACUUM only where the disk can hold what it writes."""
        if step.sql == "VACUUM" and (reason := self._reason_against_vacuum()):
            yield Done(step, 0.0, reason)
            return
        yield self.done(step)

    def advice(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Finding | Note]:
        """Yield what is worth a look, the soundness of the file first."""
        for (text,) in self.rows("PRAGMA quick_check"):
            if text != "ok":
                evidence = f"quick_check: {text}; restore a backup"
                yield Finding("damaged", "", "database", evidence)
        indexes = [one for one in self._indexes() if one.table in tables]
        for one in redundancies(indexes):
            keys = "has the same keys as" if one.is_exact else "is the beginning of"
            kind = "duplicate_index" if one.is_exact else "prefix_index"
            verdict = "" if one.is_exact else "; may be redundant"
            sql = f"DROP INDEX {self.quoted(one.index.name)};" if one.may_go else ""
            evidence = f"{keys} {one.other.name}{verdict}"
            yield Finding(kind, one.index.table, one.index.name, evidence, sql)
        yield from self._about_keys(tables, indexes)
        yield from self._about_free_pages(wishes)

    def slow_queries(self, wishes: Wishes) -> Iterator[Finding | Note]:
        """Say that there are none to be had."""
        yield Note("Slow queries: SQLite keeps no statistics of queries. Log them in the site.")

    def orphans(self, wishes: Wishes, *, dry_run: bool) -> Iterator[Finding | Done | Note]:
        """Say that there are none to be had."""
        yield Note(
            "Orphans: SQLite has no sessions that could be listed or ended. A process that dies "
            "leaves none; one that hangs in a transaction has to be found by itself."
        )

    def _about_keys(self, tables: Sequence[str], indexes: Sequence[Index]) -> Iterator[Finding]:
        indexed = {
            (one.table, one.keys[0].split(" ")[0]) for one in indexes if not one.predicate
        } | self._primary_keys()
        for table, column, target in self.rows(_KEYS):
            if table in tables and (table, column) not in indexed:
                evidence = f"no index begins with {column}: each delete in {target} reads all"
                yield Finding("unindexed_foreign_key", table, column, evidence)

    def _primary_keys(self) -> set[tuple[str, str]]:
        sql = (
            "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c "
            "WHERE t.type = 'table' AND c.pk = 1"
        )
        return set(self.rows(sql))

    def _about_free_pages(self, wishes: Wishes) -> Iterator[Finding]:
        free, pages, page_size = (
            self.value(f"PRAGMA {name}") for name in ("freelist_count", "page_count", "page_size")
        )
        if pages and free * 100 >= pages * wishes.dead_rows_percent:
            evidence = f"{size(free * page_size)} of {size(pages * page_size)} are free pages"
            yield Finding("free_space", "", "database", evidence, "VACUUM;")

    def _reason_against_vacuum(self) -> str:
        name = str(self.connection.settings_dict["NAME"])
        if self.connection.is_in_memory_db():
            return ""
        pages, page_size = self.value("PRAGMA page_count"), self.value("PRAGMA page_size")
        needed = pages * page_size * self._free_factor
        # It writes a copy, and then the file by way of a journal or the -wal beside it.
        free = shutil.disk_usage(Path(name).absolute().parent).free
        if free >= needed:
            return ""
        return (
            f"it may need {size(needed)} beside {name} and {size(free)} are free; nothing was done"
        )

    def _indexes(self) -> Iterator[Index]:
        for (table, name), rows in groupby(self.rows(_INDEXES), key=lambda row: row[:2]):
            columns = list(rows)
            _, _, is_unique, origin, is_partial, _, _, _, sql = columns[0]
            # What an expression or a condition is stands only in the statement that made it.
            is_special = is_partial or any(row[5] is None for row in columns)
            yield Index(
                table=table,
                name=name,
                keys=tuple(f"{row[5]} {row[6]} {row[7]}" for row in columns),
                predicate=_after_name(sql) if is_special else "",
                is_unique=bool(is_unique),
                is_bound=origin != "c",
            )


def _after_name(sql: str | None) -> str:
    """Return what an index is on, without its name."""
    return " ".join(re.split(r"\son\s", sql or "", maxsplit=1, flags=re.IGNORECASE)[-1].split())
