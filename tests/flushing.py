"""
Emptying the database after a test that commits: what has rows, and nothing else.

Django's own flush touches each of more than a hundred tables, and makes all content types and
permissions anew. That took longer than most tests.
"""

from collections.abc import Sequence
from typing import Any

from django.core.management import call_command
from django.db import connections, transaction
from django.test import TransactionTestCase

__all__ = ["flush", "install"]

# Made by post_migrate: the same after each test, unless a test has changed them.
_KEPT = ("django_content_type", "auth_permission")

_NO_KEYS = {
    "postgresql": ("SET LOCAL session_replication_role = replica", ""),
    "mysql": ("SET FOREIGN_KEY_CHECKS = 0", "SET FOREIGN_KEY_CHECKS = 1"),
    "sqlite": ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
}

_KEPT_AS: dict[str, list[Any]] = {}


def install() -> None:
    """Have tests that commit cleaned up by :func:`flush`."""
    TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[attr-defined]


def flush(using: str) -> None:
    """Leave a database as the migrations made it, but for rows of their own."""
    connection = connections[using]
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    if not set(_KEPT) <= set(tables) or not _is_kept(connection):
        options = {"reset_sequences": False, "interactive": False, "verbosity": 0}
        call_command("flush", database=using, **options)
        _KEPT_AS[_name(connection)] = _kept(connection) if set(_KEPT) <= set(tables) else []
        return
    _empty(connection, _with_rows(connection, [one for one in tables if one not in _KEPT]))


def _fixture_teardown(self: Any) -> None:
    for alias in self._databases_names(include_mirrors=False):
        flush(alias)


def _is_kept(connection: Any) -> bool:
    """Return whether the rows of post_migrate are those that were there after the last flush."""
    return _KEPT_AS.get(_name(connection)) == _kept(connection)


def _kept(connection: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, app_label, model FROM django_content_type ORDER BY id")
        kinds = list(cursor.fetchall())
        cursor.execute(
            "SELECT id, content_type_id, codename, name FROM auth_permission ORDER BY id"
        )
        return [kinds, list(cursor.fetchall())]


def _with_rows(connection: Any, tables: Sequence[str]) -> list[str]:
    names = [(table, connection.ops.quote_name(table)) for table in tables]
    found = []
    # SQLite takes 500 parts of a compound SELECT.
    for start in range(0, len(names), 400):
        parts = (
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quoted})"
            for table, quoted in names[start : start + 400]
        )
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts))
            found += [row[0] for row in cursor.fetchall()]
    return found


def _empty(connection: Any, tables: Sequence[str]) -> None:
    if not tables:
        return
    before, after = _NO_KEYS[connection.vendor]
    with connection.cursor() as cursor:
        # SQLite hears of it outside of a transaction, PostgreSQL forgets it at its end.
        if connection.vendor != "postgresql":
            cursor.execute(before)
        try:
            with transaction.atomic(using=connection.alias):
                if connection.vendor == "postgresql":
                    cursor.execute(before)
                for table in tables:
                    cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        finally:
            if after:
                cursor.execute(after)


def _name(connection: Any) -> str:
    return str(connection.settings_dict["NAME"])
