"""Does a database take connections and answer?"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError

from django_health_check_job.probes.base import Down
from django_health_check_job.probes.builtin import BuiltIn

__all__ = ["Database", "usable_connection"]

#: The OPTIONS of each kind of database that bound its waiting, in whole seconds.
_LIMITS = {
    "postgresql": ("connect_timeout",),
    "mysql": ("connect_timeout", "read_timeout", "write_timeout"),
    "sqlite": ("timeout",),
}

#: The shortest question that the server, or SQLite's file, has to be asked for.
_QUESTIONS = {"oracle": "SELECT 1 FROM DUAL", "sqlite": "PRAGMA schema_version"}


@dataclass
class Database(BuiltIn):
    """
    DOWN when a database takes no new connection, or does not answer ``SELECT 1``.

    The connection is new for each run, and no pool is asked: one that the server has closed in
    the meantime says nothing about the server.

    Args:
        alias: its key in DATABASES.
    """

    alias: str = DEFAULT_DB_ALIAS

    def run(self) -> None:
        """Connect, ask, and hang up."""
        with _fresh_connection(self.alias, self.deadline.remaining()) as connection:
            _check_file(connection)
            try:
                connection.ensure_connection()
            except (DatabaseError, InterfaceError) as error:
                # Its text often holds the host, the user or the whole DSN.
                raise Down(f"takes no connection ({type(error).__name__})") from error
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_QUESTIONS.get(connection.vendor, "SELECT 1"))
                    answer = cursor.fetchone()
            except (DatabaseError, InterfaceError) as error:
                raise Down(f"does not answer a query ({type(error).__name__})") from error
        if not answer:
            raise Down("answers a query with nothing")

    def _check_options(self) -> None:
        self._require_alias(self.alias, connections.settings, "DATABASES")

    def _own_name(self) -> str:
        return f"Database {self.alias}"


def usable_connection(alias: str) -> BaseDatabaseWrapper:
    """Return this thread's connection; one that the server has closed is opened anew."""
    connection = connections[alias]
    is_open = connection.connection is not None and not connection.in_atomic_block
    if is_open and not connection.is_usable():
        connection.close()
    return connection


@contextmanager
def _fresh_connection(alias: str, limit_seconds: float) -> Iterator[BaseDatabaseWrapper]:
    """Give a connection of its own, not yet open, that does not wait for longer than it may."""
    shared = connections[alias]
    if _is_in_memory(shared):
        # A second connection would be a second database.
        yield shared
        return
    connection = shared.copy()
    options: dict[str, Any] = connection.settings_dict.setdefault("OPTIONS", {})
    options.pop("pool", None)
    options |= dict.fromkeys(_LIMITS.get(connection.vendor, ()), math.ceil(limit_seconds))
    try:
        yield connection
    finally:
        connection.close()


def _is_in_memory(connection: BaseDatabaseWrapper) -> bool:
    name = str(connection.settings_dict["NAME"])
    return connection.vendor == "sqlite" and (name == ":memory:" or "mode=memory" in name)


def _check_file(connection: BaseDatabaseWrapper) -> None:
    """Raise Down when SQLite's file is gone: connecting would make an empty one, and call it UP."""
    name = str(connection.settings_dict["NAME"])
    is_path = connection.vendor == "sqlite" and not name.startswith("file:")
    if is_path and not _is_in_memory(connection) and not Path(name).exists():
        raise Down("its file does not exist")
