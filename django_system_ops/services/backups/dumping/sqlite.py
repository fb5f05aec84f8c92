"""Dumps of SQLite: a copy by its own backup API, in one step."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connections

from django_opskit.own_connections import own_connection
from django_system_ops.exceptions import BackupError
from django_system_ops.sealing import CHUNK_BYTES, create_private, naming_full_disk
from django_system_ops.services.backups.counting import applied_migrations, row_counts
from django_system_ops.services.backups.dumping.facts import DumpFacts

__all__ = ["SQLiteDumper", "integrity_problems", "opened_copy"]

_SNAPSHOT = "snapshot.tmp"
_BUSY = (5, 6)  # SQLITE_BUSY and SQLITE_LOCKED, as the callback is told
_PATIENCE_SECONDS = 600


class SQLiteDumper:
    """
    Makes dumps that are database files.

    A copy of the file would lack what is in the write-ahead log, and a copy page by page starts
    again after each write of another process; a copy in one step does neither.
    """

    extension = "sqlite3"

    def scratch_bytes(self, alias: str) -> int:
        """Return the size of the database: its copy comes first."""
        with connections[alias].cursor() as cursor:
            cursor.execute("PRAGMA page_count")
            (pages,) = cursor.fetchone()
            cursor.execute("PRAGMA page_size")
            (size,) = cursor.fetchone()
        return int(pages) * int(size)

    def dump(
        self, alias: str, sink: Callable[[bytes | memoryview], object], workspace: Path
    ) -> DumpFacts:
        """Give a dump to ``sink``."""
        copy = workspace / _SNAPSHOT
        try:
            with naming_full_disk(copy):
                os.close(create_private(copy))
            with _source(alias) as source:
                (mode,) = source.execute("PRAGMA journal_mode").fetchone()
                _copy(source, copy)
            with opened_copy(alias, copy) as connection:
                if problems := integrity_problems(connection):
                    raise BackupError(
                        f"The database {alias!r} is damaged, and so would be its backup: "
                        f"{problems[0]}. Restore an earlier one."
                    )
                rows = row_counts(connection)
                migrations = applied_migrations(connection, rows)
            with copy.open("rb", buffering=0) as file:
                while data := file.read(CHUNK_BYTES):
                    sink(data)
        finally:
            copy.unlink(missing_ok=True)
        return DumpFacts(
            name=Path(str(connections[alias].settings_dict["NAME"])).name,
            server_version=sqlite3.sqlite_version,
            rows=rows,
            migrations=migrations,
            journal_mode=str(mode),
        )


@contextmanager
def opened_copy(alias: str, path: Path) -> Iterator[Any]:
    """Give a Django connection to a file that is like the database ``alias``."""
    connection = own_connection(alias)
    # Without what the site says at each connect, such as to write ahead.
    connection.settings_dict["OPTIONS"] = {}
    connection.settings_dict["NAME"] = str(path)
    try:
        yield connection
    finally:
        connection.close()


def integrity_problems(connection: Any) -> list[str]:
    """Return what SQLite finds wrong with a file."""
    with connection.cursor() as cursor:
        try:
            cursor.execute("PRAGMA integrity_check(10)")
            found = [str(row[0]) for row in cursor.fetchall()]
        except connection.Database.Error as error:
            return [str(error)]
    return [] if found == ["ok"] else found


@contextmanager
def _source(alias: str) -> Iterator[sqlite3.Connection]:
    connection: Any = connections[alias]
    if connection.is_in_memory_db():
        # Only this connection can see it.
        connection.ensure_connection()
        yield connection.connection
        return
    path = Path(str(connection.settings_dict["NAME"])).absolute()
    if not path.exists():
        raise BackupError(f"The database {alias!r} is not there: {path} does not exist.")
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as own:
        yield own


def _copy(source: sqlite3.Connection, path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS

    def look(status: int, _left: int, _all: int) -> None:
        if status in _BUSY and time.monotonic() > deadline:
            raise BackupError("Another process has kept the database locked for ten minutes.")

    try:
        with closing(sqlite3.connect(path)) as target:
            # Nobody needs a half copy: no journal, no waiting for the disk.
            target.execute("PRAGMA journal_mode=OFF")
            target.execute("PRAGMA synchronous=OFF")
            source.backup(target, pages=-1, progress=look)
            # Else it would ask for files of its own beside it to be read.
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise BackupError(
            f"The copy {path} of the database could not be written: {error}. Make room, or choose "
            "another directory with --output."
        ) from error
