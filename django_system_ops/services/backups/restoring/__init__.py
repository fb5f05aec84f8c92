"""Databases that come back from a dump: one module for each kind."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from django.db import connections

from django_system_ops.exceptions import BackupError, WrongUsageError
from django_system_ops.services.backups.manifests import DatabasePart
from django_system_ops.services.backups.restoring.contents import Contents, differences
from django_system_ops.services.backups.restoring.mysql import MySQLScratch
from django_system_ops.services.backups.restoring.postgresql import PostgreSQLScratch
from django_system_ops.services.backups.restoring.sqlite import SQLiteScratch
from django_system_ops.services.backups.restoring.target import Target

__all__ = ["Contents", "Scratch", "Target", "differences", "scratch_for"]


class Scratch(Protocol):
    """
    A fresh database beside the live one.

    Attributes:
        name: what it is called, or its path.
    """

    name: str

    def prepare(self) -> None:
        """
        Find out whether it can become what it is to become, before hours are spent on it.

        Raises:
            BackupError: it cannot; nothing was done.
        """

    def load(self, chunks: Iterable[bytes]) -> None:
        """Make it from a dump, in place of one that a killed run has left."""

    def contents(self) -> Contents:
        """Return what it holds now."""

    def drop(self) -> None:
        """Remove it."""

    def finish(self) -> str:
        """
        Make it what it is to become; return the name of the live one that made way, or nothing.

        Raises:
            BackupError: it cannot be; the live one is as it was.
        """


_SCRATCHES: dict[str, type[SQLiteScratch] | type[PostgreSQLScratch] | type[MySQLScratch]] = {
    "sqlite": SQLiteScratch,
    "postgresql": PostgreSQLScratch,
    "mysql": MySQLScratch,
}


def scratch_for(alias: str, part: DatabasePart, target: Target, workspace: Path) -> Scratch:
    """
    Return what a dump is restored into.

    Raises:
        WrongUsageError: the database ``alias`` is of another kind than the dump.
        BackupError: there is no way to restore that kind.
    """
    if alias not in connections:
        raise WrongUsageError(
            f"The backup is of the database {alias!r}, which this site has not: name one of its "
            f"own with --database, of {', '.join(connections)}."
        )
    vendor = connections[alias].vendor
    if vendor != part.vendor:
        raise WrongUsageError(
            f"The backup is of {part.vendor}, and the database {alias!r} is {vendor}."
        )
    if vendor not in _SCRATCHES:
        raise BackupError(f"Backups do not know {vendor}.")
    return _SCRATCHES[vendor](alias, part, target, workspace)
