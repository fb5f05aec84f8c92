"""What the database itself says about its tables."""

from dataclasses import dataclass
from typing import Any

from django.db import connections

__all__ = ["Column", "read_columns", "read_partial_indexes"]

_POSTGRESQL_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relkind IN ('r', 'p', 'f') AND pg_table_is_visible(c.oid)
    AND a.attnum > 0 AND NOT a.attisdropped
"""
_MYSQL_COLUMNS = """
SELECT table_name, column_name, column_type, is_nullable = 'YES'
FROM information_schema.columns
WHERE table_schema = DATABASE()
"""
_SQLITE_COLUMNS = """
SELECT t.name, c.name, c.type, NOT c."notnull"
FROM sqlite_master t, pragma_table_xinfo(t.name) c
WHERE t.type = 'table'
"""
_COLUMNS = {
    "postgresql": _POSTGRESQL_COLUMNS,
    "mysql": _MYSQL_COLUMNS,
    "sqlite": _SQLITE_COLUMNS,
}

# MySQL has none.
_PARTIAL_INDEXES = {
    "postgresql": """
SELECT c.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
WHERE x.indpred IS NOT NULL OR NOT x.indisvalid
""",
    "sqlite": """
SELECT i.name FROM sqlite_master t, pragma_index_list(t.name) i
WHERE t.type = 'table' AND i.partial
""",
}


@dataclass(frozen=True)
class Column:
    """A column as it is: the database's own word for its type, and whether NULL may be in it."""

    type: str
    is_nullable: bool


def read_columns(using: str) -> dict[str, dict[str, Column]]:
    """Return the columns of every table that an unqualified name reaches, by one query."""
    found: dict[str, dict[str, Column]] = {}
    for table, name, type_, is_nullable in _rows(using, _COLUMNS[connections[using].vendor]):
        found.setdefault(table, {})[name] = Column(str(type_), bool(is_nullable))
    return found


def read_partial_indexes(using: str) -> frozenset[str]:
    """Return the names of indexes that do not hold for the whole table, or not at all."""
    sql = _PARTIAL_INDEXES.get(connections[using].vendor)
    return frozenset(name for (name,) in _rows(using, sql)) if sql else frozenset()


def _rows(using: str, sql: str) -> list[Any]:
    with connections[using].cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
