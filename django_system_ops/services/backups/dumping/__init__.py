"""Dumps of databases: one module for each kind."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from django.db import connections

from django_system_ops.exceptions import BackupError
from django_system_ops.services.backups.dumping.facts import DumpFacts
from django_system_ops.services.backups.dumping.mysql import MySQLDumper
from django_system_ops.services.backups.dumping.postgresql import PostgreSQLDumper
from django_system_ops.services.backups.dumping.sqlite import SQLiteDumper

__all__ = ["DumpFacts", "Dumper", "dumper_of"]


class Dumper(Protocol):
    """What makes a dump of one kind of database."""

    #: What ends the name of a dump's file.
    extension: str

    def scratch_bytes(self, alias: str) -> int:
        """Return what it needs on the disk of the backups beside the backup itself."""

    def dump(
        self, alias: str, sink: Callable[[bytes | memoryview], object], workspace: Path
    ) -> DumpFacts:
        """
        Give a dump to ``sink`` as it comes, and return what is known about it.

        Raises:
            BackupError: it could not be made whole.
            DatabaseError: the database is away.
        """


_DUMPERS: dict[str, Dumper] = {
    "sqlite": SQLiteDumper(),
    "postgresql": PostgreSQLDumper(),
    "mysql": MySQLDumper(),
}


def dumper_of(alias: str) -> Dumper:
    """
    Return what dumps the database ``alias``.

    Raises:
        BackupError: there is no way to dump its kind.
    """
    vendor = connections[alias].vendor
    if vendor not in _DUMPERS:
        known = ", ".join(_DUMPERS)
        raise BackupError(f"The database {alias!r} is {vendor}, and backups know {known}.")
    return _DUMPERS[vendor]
