"""Dumps of MariaDB and MySQL: their own program, in one transaction."""

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
from django_system_ops.services.backups.logging_in import mysql_arguments
from django_system_ops.services.backups.programs import program, read_from, version_of

__all__ = ["MySQLDumper"]

_LAST_LINE = b"-- Dump completed"
_TAIL_BYTES = 300


class MySQLDumper:
    """
    Makes dumps with mariadb-dump or mysqldump.

    Its transaction cannot be shared, so the rows are counted before and after: a table that has
    the same number both times is taken to have had it in between.
    """

    extension = "sql"

    def scratch_bytes(self, alias: str) -> int:
        """Return 0: it streams."""
        return 0

    def dump(
        self, alias: str, sink: Callable[[bytes | memoryview], object], workspace: Path
    ) -> DumpFacts:
        """Give a dump to ``sink``."""
        connection = own_connection(alias)
        try:
            rows = _counted(connection)
            facts = DumpFacts(
                name=str(connection.settings_dict["NAME"]),
                server_version=server_version(connection),
                rows=rows,
                migrations=applied_migrations(connection, rows),
                tools=_dump(connection, sink),
            )
            after = _counted(connection)
        finally:
            close_own(connection)
        changed = {name: count for name, count in after.items() if rows.get(name) != count}
        if set(rows) ^ set(after):
            raise BackupError(
                "Tables came or went while the dump was made, so nobody knows whether it has them. "
                "Migrate first, then back up."
            )
        return DumpFacts(**{**vars(facts), "rows_after": changed})


def _dump(
    connection: BaseDatabaseWrapper, sink: Callable[[bytes | memoryview], object]
) -> dict[str, str]:
    path = program("mariadb-dump", "mysqldump")
    version = version_of(path)
    tail = b""

    def watched(data: memoryview) -> None:
        nonlocal tail
        tail = (tail + bytes(data[-_TAIL_BYTES:]))[-_TAIL_BYTES:]
        sink(data)

    with mysql_arguments(connection) as first:
        command = [path, *first, "--single-transaction", "--quick", "--routines", "--triggers"]
        command += ["--events", "--hex-blob", "--no-tablespaces", "--comments", "--dump-date"]
        if "MariaDB" not in version:
            command.append("--set-gtid-purged=OFF")
        read_from([*command, "--", str(connection.settings_dict["NAME"])], {}, watched)
    if _LAST_LINE not in tail:
        raise BackupError(f"{path} ended without saying that the dump is complete.")
    return {Path(path).name: version}


def _counted(connection: BaseDatabaseWrapper) -> dict[str, int]:
    """Return the rows of all tables at one moment."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    rows = row_counts(connection)
    with connection.cursor() as cursor:
        cursor.execute("COMMIT")
    return rows
