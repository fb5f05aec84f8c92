"""What MariaDB's own figures say about the site's tables."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django_system_ops.engine.duplicate_indexes import Index, redundancies
from django_system_ops.services.optimizing.findings import Finding, Note, Wishes
from django_system_ops.services.optimizing.statements import Server, size

__all__ = ["Advice"]

_MUCH_FREE = 100 * 1024 * 1024

_INDEXES = """
SELECT table_name, index_name, non_unique, index_type, seq_in_index, column_name, sub_part,
    collation
FROM information_schema.statistics
WHERE table_schema = DATABASE() AND table_name IN ({tables})
ORDER BY table_name, index_name, seq_in_index
"""
_TABLES = """
SELECT t.table_name, t.engine, t.auto_increment, t.data_length + t.index_length, t.data_free,
    c.column_type,
    EXISTS (
        SELECT 1 FROM information_schema.table_constraints k
        WHERE k.table_schema = t.table_schema AND k.table_name = t.table_name
            AND k.constraint_type = 'PRIMARY KEY'
    )
FROM information_schema.tables t
LEFT JOIN information_schema.columns c ON c.table_schema = t.table_schema
    AND c.table_name = t.table_name AND c.extra LIKE '%%auto_increment%%'
WHERE t.table_schema = DATABASE() AND t.table_name IN ({tables})
ORDER BY t.table_name
"""
_KEY_COLUMNS = """
SELECT table_name, column_name
FROM information_schema.key_column_usage
WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
    AND table_name IN ({tables})
"""
_UNUSED = """
SELECT object_name, index_name
FROM performance_schema.table_io_waits_summary_by_index_usage
WHERE object_schema = DATABASE() AND index_name IS NOT NULL AND count_star = 0
    AND object_name IN ({tables})
ORDER BY object_name, index_name
"""
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


class Advice:
    """Reads only; each finding has what was measured."""

    def __init__(self, server: Server, wishes: Wishes, tables: list[str]) -> None:
        self._server, self._wishes, self._tables = server, wishes, tables

    def all(self) -> Iterator[Finding | Note]:
        """Yield everything that is worth a look. InnoDB has an index for every foreign key."""
        indexes = list(self._indexes())
        for one in redundancies(indexes):
            keys = "has the same keys as" if one.is_exact else "is the beginning of"
            kind = "duplicate_index" if one.is_exact else "prefix_index"
            verdict = "" if one.is_exact else "; may be redundant"
            evidence = f"{keys} {one.other.name}{verdict}"
            sql = self._drop(one.index.table, one.index.name) if one.may_go else ""
            yield Finding(kind, one.index.table, one.index.name, evidence, sql)
        yield from self._about_unused(indexes)
        for row in self._rows(_TABLES):
            yield from self._about_table(*row)

    def _about_table(
        self,
        table: str,
        engine: str,
        next_number: int | None,
        used: int,
        free: int,
        column_type: str | None,
        has_key: int,
    ) -> Iterator[Finding]:
        if not has_key:
            evidence = "no primary key: rows cannot be told apart, nor replicated by key"
            yield Finding("no_primary_key", table, table, evidence)
        if next_number and column_type and (limit := _most(column_type)):
            last = next_number - 1
            if last * 100 >= limit * self._wishes.used_up_percent:
                percent = last * 100 / limit
                evidence = f"{last:,} of {limit:,} numbers are used up ({percent:.0f} %)"
                yield Finding("sequence", table, table, evidence)
        if free >= _MUCH_FREE and free * 4 >= used:
            evidence = f"{size(free)} are free inside {size(used + free)} ({engine})"
            sql = f"OPTIMIZE TABLE {self._server.quoted(table)};"
            yield Finding("free_space", table, table, evidence, sql)

    def _about_unused(self, indexes: list[Index]) -> Iterator[Finding | Note]:
        if not self._server.value("SELECT @@performance_schema"):
            return
        keys = {(table, column) for table, column in self._rows(_KEY_COLUMNS)}
        known = {(one.table, one.name): one for one in indexes}
        uptime = self._server.rows("SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1]
        days = int(uptime) / 86400
        is_any = False
        for table, name in self._rows(_UNUSED):
            index = known.get((table, name))
            if index is None or index.is_unique or (table, index.keys[0].split(" ")[0]) in keys:
                continue
            is_any = True
            evidence = f"not used since the server was started, {days:,.1f} days ago"
            yield Finding("unused_index", table, name, evidence, self._drop(table, name))
        if is_any:
            yield Note(
                "Unused indexes: replicas count apart, so look there too; and once a year may be "
                "often enough for the query that needs one."
            )

    def _indexes(self) -> Iterator[Index]:
        for (table, name), rows in groupby(self._rows(_INDEXES), key=lambda row: row[:2]):
            columns = list(rows)
            # A key without a column is an expression (MySQL), which is not shown here.
            keys = [f"{row[5] or f'expression of {name}'} {row[6]} {row[7]}" for row in columns]
            is_unique = not columns[0][2]
            yield Index(
                table=table,
                name=name,
                keys=tuple(keys),
                method=str(columns[0][3]).lower(),
                is_unique=is_unique,
                is_bound=name == "PRIMARY",
            )

    def _rows(self, sql: str) -> list[Any]:
        marks = self._server.names(self._tables)
        return self._server.rows(sql.format(tables=marks), *self._tables)

    def _drop(self, table: str, index: str) -> str:
        return f"ALTER TABLE {self._server.quoted(table)} DROP INDEX {self._server.quoted(index)};"


def _most(column_type: str) -> int | None:
    """Return the largest number of a column such as ``int(11) unsigned``."""
    bits = _BITS.get(column_type.partition("(")[0].split(" ")[0])
    if bits is None:
        return None
    most: int = 2 ** (bits if "unsigned" in column_type else bits - 1) - 1
    return most
