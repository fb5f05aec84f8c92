"""SQLite files that come back."""

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from django.db import connections

from django_opskit.own_connections import close_own, own_connections
from django_system_ops.exceptions import BackupError, WrongUsageError
from django_system_ops.sealing import create_private, naming_full_disk, sync_directory
from django_system_ops.services.backups.dumping.sqlite import integrity_problems, opened_copy
from django_system_ops.services.backups.manifests import DatabasePart
from django_system_ops.services.backups.restoring.contents import Contents, contents_of
from django_system_ops.services.backups.restoring.target import Target

__all__ = ["SQLiteScratch"]

_BESIDE = ("-wal", "-shm", "-journal")


class SQLiteScratch:
    """A file beside the one that it is to become, on the same disk."""

    def __init__(self, alias: str, part: DatabasePart, target: Target, workspace: Path) -> None:
        self._alias, self._part, self._target = alias, part, target
        live: Any = connections[alias]
        self._live = Path(str(live.settings_dict["NAME"])).absolute()
        if target.into_live and live.is_in_memory_db():
            raise WrongUsageError(f"The database {alias!r} is in memory: there is no file of it.")
        self._goal = self._live if target.into_live else Path(target.into).absolute()
        folder = self._goal.parent if target.into_live or target.into else workspace
        self._path = folder / f"{self._goal.name or 'trial'}.restored-{target.backup}"
        self.name = str(self._path)

    def prepare(self) -> None:
        """Find out whether it can become what it is to become."""
        if self._target.into and (self._goal.exists() or self._goal.is_symlink()):
            raise WrongUsageError(f"{self._goal} exists already: name a file that does not.")
        if self._target.into_live and self._live.exists():
            self._require_alone()

    def load(self, chunks: Iterable[bytes]) -> None:
        """Make it from a dump."""
        self.drop()
        path = self._path
        with naming_full_disk(path), os.fdopen(create_private(path), "wb") as file:
            for data in chunks:
                file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def contents(self) -> Contents:
        """Return what it holds."""
        with opened_copy(self._alias, self._path) as connection:
            if problems := integrity_problems(connection):
                return Contents({}, (), problems)
            return contents_of(connection)

    def drop(self) -> None:
        """Remove it."""
        for ending in ("", *_BESIDE):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def finish(self) -> str:
        """Make it what it is to become."""
        if not self._target.into and not self._target.into_live:
            self.drop()
            return ""
        if self._part.journal_mode == "wal":
            # The mode is part of the file, and the dump does not have it.
            with closing(sqlite3.connect(self._path)) as own:
                own.execute("PRAGMA journal_mode=WAL")
        if self._target.into_live and self._live.exists():
            return self._take_place()
        try:
            # Unlike a rename, a link does not replace what appeared there meanwhile.
            self._goal.hardlink_to(self._path)
        except FileExistsError as error:
            raise BackupError(f"{self._goal} has appeared meanwhile, and stays.") from error
        self._path.unlink()
        sync_directory(self._goal.parent)
        return ""

    def _take_place(self) -> str:
        before = self._live.with_name(f"{self._live.name}.before-{self._target.backup}")
        self._require_alone()
        self._like_the_live_one()
        self._fold_log()
        try:
            before.hardlink_to(self._live)
        except FileExistsError as error:
            # A run that was killed between the two steps has left it.
            if not before.samefile(self._live):
                raise BackupError(
                    f"{before} exists: this backup was restored before. Move that file away."
                ) from error
        # There is no moment without a database of that name.
        self._path.rename(self._live)
        sync_directory(self._live.parent)
        return str(before)

    def _like_the_live_one(self) -> None:
        shutil.copymode(self._live, self._path)
        found = self._live.stat()
        with suppress(PermissionError):  # only root can give files away
            os.chown(self._path, found.st_uid, found.st_gid)

    def _require_alone(self) -> None:
        _let_go(self._alias)
        if others := list(_others(self._live)):
            raise BackupError(
                f"{self._live} is open in {', '.join(others)}. Stop them first: they would go on "
                "writing into the file that makes way."
            )

    def _fold_log(self) -> None:
        """Bring the write-ahead log into the file: it would be taken for the new one's."""
        try:
            with closing(sqlite3.connect(self._live, isolation_level=None, timeout=5)) as own:
                (mode,) = own.execute("PRAGMA journal_mode").fetchone()
                if mode == "wal":
                    # Only who is alone with it can leave that mode.
                    own.execute("PRAGMA journal_mode=DELETE")
                own.execute("BEGIN EXCLUSIVE")
                own.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise BackupError(
                f"{self._live} is in use ({error}). Stop the processes that have it open."
            ) from error
        except sqlite3.DatabaseError:
            # What is no database any more has no log worth keeping; it makes way all the same.
            for ending in _BESIDE:
                beside = self._live.with_name(self._live.name + ending)
                with suppress(FileNotFoundError):
                    beside.rename(beside.with_name(f"{beside.name}.before-{self._target.backup}"))


def _let_go(alias: str) -> None:
    """Close the connections of this process: of a thread that keeps a lock, for example."""
    connections[alias].close()
    for own in own_connections(alias):
        close_own(own)


def _others(path: Path) -> Iterable[str]:
    """Yield which other processes have a file open, as far as this user may know."""
    import psutil

    names = {str(path.resolve()), *(f"{path.resolve()}{ending}" for ending in _BESIDE)}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            files: Any = process.open_files() if process.pid != os.getpid() else ()
            if names & {one.path for one in files}:
                yield f"process {process.pid} ({process.name()})"
