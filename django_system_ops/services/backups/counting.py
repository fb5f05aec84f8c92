"""What a database holds: the rows of each table, and which migrations were applied."""

from collections.abc import Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["applied_migrations", "row_counts", "server_version"]

# Without partitioned parents, whose rows are their partitions', and what extensions bring.
_TABLES = {
    "postgresql": """
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
          AND n.nspname NOT LIKE 'pg\\_%' AND NOT EXISTS (
            SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
              AND d.classid = 'pg_class'::regclass)
        ORDER BY 1, 2""",
    "mysql": """
        SELECT '', table_name FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY 2""",
    "sqlite": """
        SELECT '', name FROM sqlite_master
        WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
          AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY 2""",
}
_VERSION = {"sqlite": "SELECT sqlite_version()", "mysql": "SELECT VERSION()"}


def row_counts(connection: BaseDatabaseWrapper) -> dict[str, int]:
    """Return how many rows each table has, as the connection sees them; one statement each."""
    quote = connection.ops.quote_name
    counts: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TABLES[connection.vendor])
        for schema, table in cursor.fetchall():
            name = f"{quote(schema)}.{quote(table)}" if schema else quote(table)
            # Names of the catalogue, quoted.
            cursor.execute(f"SELECT COUNT(*) FROM {name}")  # noqa: S608
            counts[table if schema in ("", "public") else f"{schema}.{table}"] = _first(cursor)
    return counts


def applied_migrations(connection: BaseDatabaseWrapper, rows: Mapping[str, int]) -> list[str]:
    """Return the migrations that were applied, as "app.name"; none where no table says so."""
    if "django_migrations" not in rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        return sorted(f"{app}.{name}" for app, name in cursor.fetchall())


def server_version(connection: BaseDatabaseWrapper) -> str:
    """Return what the database says of its version."""
    with connection.cursor() as cursor:
        cursor.execute(_VERSION.get(connection.vendor, "SHOW server_version"))
        return str(_first(cursor))


def _first(cursor: Any) -> Any:
    return cursor.fetchone()[0]
