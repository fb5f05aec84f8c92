"""What PostgreSQL's own figures say about the site's tables."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django_system_ops.engine.duplicate_indexes import Index, redundancies
from django_system_ops.services.optimizing.findings import Finding, Note, Wishes
from django_system_ops.services.optimizing.statements import Server, size

__all__ = ["Advice"]

# Figures of smaller tables are noise.
_FEW_ROWS = 1000

_INDEXES = """
SELECT t.relname, i.relname, m.amname,
    ARRAY(
        SELECT concat_ws(' ', pg_get_indexdef(i.oid, k, true), x.indclass[k - 1],
            x.indcollation[k - 1], x.indoption[k - 1])
        FROM generate_series(1, x.indnkeyatts) k ORDER BY k
    ),
    ARRAY(
        SELECT pg_get_indexdef(i.oid, k, true)
        FROM generate_series(x.indnkeyatts + 1, x.indnatts) k
    ),
    coalesce(pg_get_expr(x.indpred, x.indrelid), ''),
    x.indisunique,
    NOT coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false),
    x.indisprimary OR x.indisexclusion OR x.indisreplident OR EXISTS (
        SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid
    ),
    x.indisvalid,
    coalesce(s.idx_scan, 0),
    pg_relation_size(i.oid),
    coalesce(r.n_live_tup, 0)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_am m ON m.oid = i.relam
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.oid
LEFT JOIN pg_stat_user_tables r ON r.relid = t.oid
WHERE t.relname = ANY(%s) AND pg_table_is_visible(t.oid)
ORDER BY t.relname, i.relname
"""
_SINCE = "SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()"
_DEAD = """
SELECT relname, n_dead_tup, n_live_tup, greatest(last_vacuum, last_autovacuum)
FROM pg_stat_user_tables
WHERE relname = ANY(%s) AND pg_table_is_visible(relid)
    AND n_dead_tup >= %s AND n_dead_tup >= n_live_tup * %s / 100
ORDER BY n_dead_tup DESC
"""
_WITHOUT_KEY = """
SELECT t.relname FROM pg_class t
WHERE t.relname = ANY(%s) AND pg_table_is_visible(t.oid) AND t.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = t.oid AND c.contype = 'p')
ORDER BY t.relname
"""
_SEQUENCES = """
SELECT t.relname, a.attname, s.relname, format_type(a.atttypid, NULL), q.seqmax,
    CASE WHEN has_sequence_privilege(s.oid, 'SELECT, USAGE')
        THEN pg_sequence_last_value(s.oid) END
FROM pg_sequence q
JOIN pg_class s ON s.oid = q.seqrelid
JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE t.relname = ANY(%s) AND pg_table_is_visible(t.oid)
    AND q.seqincrement > 0 AND NOT q.seqcycle
ORDER BY t.relname, a.attname
"""
_SMALL_KEYS = """
SELECT t.relname, a.attname, format_type(a.atttypid, NULL)
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
WHERE c.contype = 'p' AND cardinality(c.conkey) = 1
    AND a.atttypid IN ('int2'::regtype, 'int4'::regtype)
    AND t.relname = ANY(%s) AND pg_table_is_visible(t.oid)
ORDER BY t.relname
"""
_UNINDEXED_KEYS = """
SELECT t.relname, c.conname,
    ARRAY(
        SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY k(number, place)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number ORDER BY k.place
    ),
    c.confrelid::regclass::text
FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
WHERE c.contype = 'f' AND t.relname = ANY(%s) AND pg_table_is_visible(t.oid)
    AND NOT EXISTS (
        SELECT 1 FROM pg_index x
        WHERE x.indrelid = t.oid AND x.indisvalid AND x.indpred IS NULL
            AND (string_to_array(x.indkey::text, ' ')::int2[])[1:cardinality(c.conkey)]
                @> c.conkey
    )
ORDER BY t.relname, c.conname
"""
_OLD = """
SELECT t.relname, age(t.relfrozenxid), current_setting('autovacuum_freeze_max_age')::bigint
FROM pg_class t
WHERE t.relkind = 'r' AND t.relname = ANY(%s) AND pg_table_is_visible(t.oid)
    AND age(t.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::bigint
ORDER BY age(t.relfrozenxid) DESC
"""
_MOST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


class Advice:
    """Reads only; each finding has what was measured."""

    def __init__(self, server: Server, wishes: Wishes, tables: list[str]) -> None:
        self._server, self._wishes, self._tables = server, wishes, tables

    def all(self) -> Iterator[Finding | Note]:
        """Yield everything that is worth a look."""
        yield from self._about_indexes()
        yield from self._about_dead_rows()
        for (table,) in self._rows(_WITHOUT_KEY):
            evidence = "no primary key: rows cannot be told apart, nor replicated by key"
            yield Finding("no_primary_key", table, table, evidence)
        yield from self._about_numbers()
        for table, name, columns, target in self._rows(_UNINDEXED_KEYS):
            evidence = (
                f"no index begins with {', '.join(columns)}: each delete in {target} reads all"
            )
            keys = ", ".join(map(self._quoted, columns))
            sql = f"CREATE INDEX CONCURRENTLY ON {self._quoted(table)} ({keys});"
            yield Finding("unindexed_foreign_key", table, name, evidence, sql)
        for table, age, limit in self._rows(_OLD):
            evidence = (
                f"oldest transaction id is {age:,} old; autovacuum should have frozen it at "
                f"{limit:,}, and writing stops near 2,100,000,000"
            )
            sql = f"VACUUM (FREEZE) {self._quoted(table)};"
            yield Finding("transaction_id_age", table, table, evidence, sql)

    def _about_indexes(self) -> Iterator[Finding | Note]:
        rows = self._rows(_INDEXES)
        sizes = {row[1]: row[11] for row in rows}
        valid = [_index(row) for row in rows if row[9]]
        for row in rows:
            if not row[9]:
                evidence = "invalid: nothing reads it and every write keeps it up; a statement died"
                yield Finding("invalid_index", row[0], row[1], evidence, self._drop(row[1]))
        for one in redundancies(valid):
            keys = "has the same keys as" if one.is_exact else "is the beginning of"
            kind = "duplicate_index" if one.is_exact else "prefix_index"
            verdict = "" if one.is_exact else "; may be redundant"
            evidence = f"{keys} {one.other.name}; {size(sizes[one.index.name])}{verdict}"
            if not one.may_go:
                evidence += "; a constraint stands on it"
            sql = self._drop(one.index.name) if one.may_go else ""
            yield Finding(kind, one.index.table, one.index.name, evidence, sql)
        yield from self._about_unused(rows)

    def _about_unused(self, rows: list[Any]) -> Iterator[Finding | Note]:
        unused = [
            row
            for row, index in zip(rows, map(_index, rows), strict=True)
            if row[9] and not row[10] and not index.is_unique and not index.is_bound
        ]
        unused = [row for row in unused if row[12] >= _FEW_ROWS]
        if not unused:
            return
        since: datetime | None = self._server.value(_SINCE)
        when = f"{since:%Y-%m-%d %H:%M}" if since else "statistics began (none is on record)"
        for row in unused:
            evidence = f"not used since {when}; {size(row[11])}; {row[12]:,} rows"
            yield Finding("unused_index", row[0], row[1], evidence, self._drop(row[1]))
        yield Note(
            "Unused indexes: replicas count apart, so look there too; and once a year may be often "
            "enough for the query that needs one."
        )

    def _about_dead_rows(self) -> Iterator[Finding]:
        limits = (_FEW_ROWS, self._wishes.dead_rows_percent)
        for table, dead, living, last in self._rows(_DEAD, *limits):
            when = f"{last:%Y-%m-%d %H:%M}" if last else "never"
            evidence = f"{dead:,} dead rows beside {living:,}; last vacuum: {when}"
            sql = f"VACUUM (ANALYZE) {self._quoted(table)};"
            yield Finding("dead_rows", table, table, evidence, sql)

    def _about_numbers(self) -> Iterator[Finding]:
        owned = set()
        for table, column, sequence, kind, most, last in self._rows(_SEQUENCES):
            owned.add((table, column))
            limit = min(most, _MOST.get(kind, most))
            yield from self._used_up("sequence", table, sequence, column, last, limit)
        for table, column, kind in self._rows(_SMALL_KEYS):
            if (table, column) in owned:
                continue
            name, of = self._quoted(column), self._quoted(table)
            last = self._server.value(f"SELECT max({name}) FROM {of}")  # noqa: S608  # quoted
            yield from self._used_up("integer_key", table, column, column, last, _MOST[kind])

    def _used_up(
        self, kind: str, table: str, name: str, column: str, last: int | None, limit: int
    ) -> Iterator[Finding]:
        if last is None or last * 100 < limit * self._wishes.used_up_percent:
            return
        evidence = f"{last:,} of {limit:,} numbers are used up ({last * 100 / limit:.0f} %)"
        table_, column_ = self._quoted(table), self._quoted(column)
        sql = f"ALTER TABLE {table_} ALTER COLUMN {column_} TYPE bigint;"
        yield Finding(kind, table, name, evidence, sql if limit < _MOST["bigint"] else "")

    def _rows(self, sql: str, *parameters: Any) -> list[Any]:
        return self._server.rows(sql, self._tables, *parameters)

    def _quoted(self, name: str) -> str:
        return self._server.quoted(name)

    def _drop(self, index: str) -> str:
        return f"DROP INDEX CONCURRENTLY {self._quoted(index)};"


def _index(row: Any) -> Index:
    return Index(
        table=row[0],
        name=row[1],
        keys=tuple(row[3]),
        method=row[2],
        predicate=row[5],
        included=frozenset(row[4]),
        is_unique=row[6],
        has_null_twice=row[7],
        is_bound=row[8],
    )
