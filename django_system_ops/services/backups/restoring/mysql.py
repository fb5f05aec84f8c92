"""MariaDB and MySQL databases that come back."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.engine.backup_names import before_name, restored_name
from django_system_ops.exceptions import BackupError, WrongUsageError
from django_system_ops.services.backups.logging_in import mysql_arguments
from django_system_ops.services.backups.manifests import DatabasePart
from django_system_ops.services.backups.programs import feed, program
from django_system_ops.services.backups.restoring.contents import Contents, contents_of
from django_system_ops.services.backups.restoring.target import Target

__all__ = ["MySQLScratch"]

# Source: MySQL manual, "Identifier Length Limits".
_LONGEST_NAME = 64
# Says that a database is not whole yet; the next run may begin anew then.
_MARK = "ops_restore_unfinished"
_NO_TABLES = {
    "views": "SELECT table_name FROM information_schema.views WHERE table_schema = %s",
    "triggers": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = %s",
    "routines": "SELECT routine_name FROM information_schema.routines WHERE routine_schema = %s",
    "events": "SELECT event_name FROM information_schema.events WHERE event_schema = %s",
}


class MySQLScratch:
    """
    A database of the same server.

    These servers cannot rename a database. Into the place of the live one its tables go by one
    statement, which is atomic; what is no table cannot go that way.
    """

    def __init__(self, alias: str, part: DatabasePart, target: Target, workspace: Path) -> None:
        self._alias, self._part, self._target = alias, part, target
        self.name = target.into or restored_name(target.backup)
        self._live = str(connections[alias].settings_dict["NAME"])

    def prepare(self) -> None:
        """Find out whether it can become what it is to become."""
        with self._server() as cursor:
            if self._target.into and not self._may_be_replaced(cursor):
                raise WrongUsageError(
                    f"There is a database {self.name!r} already: name one that is not."
                )
            if self._target.into_live:
                self._require_only_tables(cursor, self._live)
                if _tables(cursor, self._before):
                    raise BackupError(
                        f"There is a database {self._before!r}: this backup was restored before. "
                        "Drop that database."
                    )

    def load(self, chunks: Iterable[bytes]) -> None:
        """Make it from a dump."""
        with self._server() as cursor:
            if not self._may_be_replaced(cursor):
                raise BackupError(f"The database {self.name!r} has appeared meanwhile, and stays.")
            cursor.execute(f"DROP DATABASE IF EXISTS {self._quoted(self.name)}")
            self._create(cursor, self.name)
            mark = f"{self._quoted(self.name)}.{self._quoted(_MARK)}"
            cursor.execute(f"CREATE TABLE {mark} (id INT)")
        with self._connected(self.name) as connection, mysql_arguments(connection) as first:
            command = [program("mariadb", "mysql"), *first, "--batch", "--binary-mode"]
            feed([*command, f"--database={self.name}"], {}, chunks)

    def contents(self) -> Contents:
        """Return what it holds."""
        with self._connected(self.name) as connection:
            found = contents_of(connection)
        rows = {name: count for name, count in found.rows.items() if name != _MARK}
        return Contents(rows, found.migrations)

    def drop(self) -> None:
        """Remove it, unless it is somebody else's."""
        with self._server() as cursor:
            if self._may_be_replaced(cursor):
                cursor.execute(f"DROP DATABASE IF EXISTS {self._quoted(self.name)}")

    def finish(self) -> str:
        """Make it what it is to become."""
        if not self._target.into and not self._target.into_live:
            self.drop()
            return ""
        with self._server() as cursor:
            if self._target.into_live:
                self._require_only_tables(cursor, self._live)
                self._require_only_tables(cursor, self.name)
            cursor.execute(f"DROP TABLE {self._quoted(self.name)}.{self._quoted(_MARK)}")
            return self._take_place(cursor) if self._target.into_live else ""

    def _take_place(self, cursor: Any) -> str:
        old, new = _tables(cursor, self._live), _tables(cursor, self.name)
        self._create(cursor, self._before)
        self._create(cursor, self._live)
        moves = [self._move(table, self._live, self._before) for table in old]
        moves += [self._move(table, self.name, self._live) for table in new]
        # Names of the catalogue, quoted.
        cursor.execute(f"RENAME TABLE {', '.join(moves)}")
        cursor.execute(f"DROP DATABASE {self._quoted(self.name)}")
        if not old:
            cursor.execute(f"DROP DATABASE {self._quoted(self._before)}")
        return self._before if old else ""

    def _move(self, table: str, old: str, new: str) -> str:
        name = self._quoted(table)
        return f"{self._quoted(old)}.{name} TO {self._quoted(new)}.{name}"

    @property
    def _before(self) -> str:
        return before_name(self._live, self._target.backup, _LONGEST_NAME)

    def _may_be_replaced(self, cursor: Any) -> bool:
        """Return whether it is not there, empty, or left by a run that was killed."""
        if self.name == restored_name(self._target.backup):
            return True
        if tables := _tables(cursor, self.name):
            return _MARK in tables
        return not any(_names(cursor, question, self.name) for question in _NO_TABLES.values())

    def _require_only_tables(self, cursor: Any, database: str) -> None:
        for what, question in _NO_TABLES.items():
            if names := _names(cursor, question, database):
                raise BackupError(
                    f"The database {database!r} has {what} ({', '.join(sorted(names)[:5])}), which "
                    "the server cannot move to another database. Restore with --into NAME, and "
                    "let the site's settings name that database."
                )

    def _create(self, cursor: Any, name: str) -> None:
        """Make a database like the live one, if it is not there."""
        cursor.execute(
            "SELECT default_character_set_name, default_collation_name"
            " FROM information_schema.schemata WHERE schema_name = %s",
            [self._live],
        )
        character_set, collation = cursor.fetchone() or ("utf8mb4", "")
        words = f"CHARACTER SET {character_set}{f' COLLATE {collation}' if collation else ''}"
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {self._quoted(name)} {words}")

    @contextmanager
    def _server(self) -> Iterator[Any]:
        with self._connected("") as connection, connection.cursor() as cursor:
            yield cursor

    @contextmanager
    def _connected(self, name: str) -> Iterator[Any]:
        connection: Any = own_connection(self._alias)
        connection.settings_dict["NAME"] = name
        try:
            # What the site sets for its pages is too short for whole tables.
            with connection.cursor() as cursor:
                if connection.mysql_is_mariadb:
                    cursor.execute("SET SESSION max_statement_time = 0")
                else:
                    cursor.execute("SET SESSION max_execution_time = 0")
            yield connection
        finally:
            close_own(connection)

    def _quoted(self, name: str) -> str:
        return "`{}`".format(name.replace("`", "``"))


def _tables(cursor: Any, database: str) -> list[str]:
    question = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
    return _names(cursor, question, database)


def _names(cursor: Any, question: str, database: str) -> list[str]:
    cursor.execute(question, [database])
    return [str(row[0]) for row in cursor.fetchall()]
