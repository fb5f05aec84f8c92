"""Dumps of PostgreSQL: pg_dump in a snapshot in which the rows are counted too."""

import re
from collections.abc import Callable
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from django_opskit.own_connections import close_own, own_connection
from django_system_ops.exceptions import BackupError
from django_system_ops.services.backups.counting import (
    applied_migrations,
    row_counts,
    server_version,
)
from django_system_ops.services.backups.dumping.facts import DumpFacts
from django_system_ops.services.backups.logging_in import postgresql_login
from django_system_ops.services.backups.programs import program, read_from, version_of

__all__ = ["PostgreSQLDumper"]


class PostgreSQLDumper:
    """Makes dumps with pg_dump, in its custom format without its own compression."""

    extension = "pgdump"

    def scratch_bytes(self, alias: str) -> int:
        """Return 0: it streams."""
        return 0

    def dump(
        self, alias: str, sink: Callable[[bytes | memoryview], object], workspace: Path
    ) -> DumpFacts:
        """Give a dump to ``sink``."""
        connection = own_connection(alias)
        try:
            return _dump(connection, sink)
        finally:
            close_own(connection)


def _dump(
    connection: BaseDatabaseWrapper, sink: Callable[[bytes | memoryview], object]
) -> DumpFacts:
    pg_dump = program("pg_dump")
    tool, server = version_of(pg_dump), server_version(connection)
    if (ours := _major(tool)) < _major(server):
        raise BackupError(
            f"{pg_dump} is of version {ours}, and cannot dump a server of version "
            f"{_major(server)}. Install postgresql-client-{_major(server)}, and where it is not "
            "first in PATH name its pg_dump in MANAGEMENT_COMMANDS['backup']['programs']."
        )
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (name,) = cursor.fetchone()
        # The transaction that holds the snapshot idles while pg_dump works, maybe for hours.
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
    with postgresql_login(connection, name) as (login, environment):
        command = [pg_dump, "--format=custom", "--compress=0", f"--snapshot={snapshot}", *login]
        read_from(command, environment, sink)
    rows = row_counts(connection)
    return DumpFacts(
        name=name,
        server_version=server,
        rows=rows,
        migrations=applied_migrations(connection, rows),
        tools={"pg_dump": tool},
    )


def _major(version: str) -> int:
    found = re.search(r"(\d+)(?:\.\d+|devel|beta\d*|rc\d*)", version)
    return int(found[1]) if found else 0
