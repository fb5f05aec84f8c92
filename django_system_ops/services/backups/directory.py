"""The directory of the backups: who may look into it, and who is at work in it."""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django_system_ops.engine.backup_names import is_backup_id
from django_system_ops.exceptions import BackupError, LockHeldError, WrongUsageError
from django_system_ops.sealing import (
    make_private_directory,
    naming_full_disk,
    require_private_directory,
)

__all__ = ["FETCHED", "BackupDirectory"]

#: What the names of folders begin with that are there as long as a run.
FETCHED = "fetched-"

_LOCK, _OBJECTS = ".lock", "objects"
_LEFT = re.compile(r"snapshot\.tmp.*|.+\.restored-.*|.+\.part")
_LOOK_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class BackupDirectory:
    """Where the backups are; :meth:`opened` finds out whether it may be used."""

    path: Path

    @classmethod
    def opened(cls, path: Path, *, create: bool) -> "BackupDirectory":
        """
        Return the directory, made if need be.

        Raises:
            BackupError: it is missing, or others could look into it; says what to run.
        """
        if not path.exists() and not path.is_symlink():
            if not create:
                raise BackupError(f"There are no backups: {path} does not exist.")
            with naming_full_disk(path):
                make_private_directory(path)
        require_private_directory(path)
        return cls(path)

    @property
    def objects(self) -> Path:
        """Where the contents of media files are, once each."""
        return self.path / _OBJECTS

    def ids(self) -> list[str]:
        """Return the ids of all that is there, finished or not, oldest first."""
        return sorted(
            one.name
            for one in os.scandir(self.path)
            if is_backup_id(one.name) and one.is_dir(follow_symlinks=False)
        )

    def place(self, backup: str) -> Path:
        """
        Return the directory of a backup.

        Raises:
            WrongUsageError: it has no such id.
            BackupError: its directory is not ours alone.
        """
        if not is_backup_id(backup):
            raise WrongUsageError(
                f"{backup!r} is not the id of a backup: backup_data --list shows them."
            )
        place = self.path / backup
        if not place.exists() and not place.is_symlink():
            raise WrongUsageError(
                f"There is no backup {backup!r} in {self.path}: backup_data --list shows them."
            )
        require_private_directory(place)
        return place

    @contextmanager
    def at_work(self, *, wait_seconds: float = 0.0) -> Iterator[None]:
        """
        Keep everybody else from working in the directory; a killed holder keeps nobody out.

        Raises:
            LockHeldError: somebody else is at work.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.path / _LOCK, flags, 0o600)
        try:
            _lock(descriptor, self.path, wait_seconds)
            self._sweep()
            yield
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Remove what killed runs have left: halves, and databases that nobody has sealed."""
        for path in self.path.glob(f"{FETCHED}*"):
            shutil.rmtree(path)
        for backup in self.ids():
            place = self.path / backup
            age = place.stat()
            for path in place.iterdir():
                if _LEFT.fullmatch(path.name) and not path.is_dir():
                    path.unlink()
            # An unfinished one goes by the age of its directory.
            os.utime(place, ns=(age.st_atime_ns, age.st_mtime_ns))


def _lock(descriptor: int, path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if (left := deadline - time.monotonic()) <= 0:
                raise LockHeldError(
                    f"Another run is at work in {path}. Try again later, or use --wait-lock."
                ) from error
            time.sleep(min(_LOOK_EVERY_SECONDS, left))
