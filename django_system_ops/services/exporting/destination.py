"""
Where an export is written, and how it comes to be there whole.

Everything is written into a hidden directory beside or in the place, for nobody else to read. A
new place gets its name by one rename. Into a directory that is there already the files are renamed
one by one, and the manifest last: without a manifest there is no export.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.sealing import (
    make_private_directory,
    naming_full_disk,
    sync_directory,
    write_whole,
)

__all__ = ["MANIFEST", "Destination"]

MANIFEST = "manifest.json"
_STAGING = re.compile(r"\.opskit-export-[0-9a-f]{16}\.part")
_FILE = re.compile(r"\w[\w.-]{0,200}")


class Destination:
    """
    A directory for one export; as a context manager it removes what was not published.

    Attributes:
        path: where the export will be.
        staging: where its files are written.

    Raises:
        WrongUsageError: it is a link or a file, or there is an export in it.
    """

    staging: Path

    def __init__(self, path: Path, *, replace: bool) -> None:
        self.path = path.absolute()
        self._replaces = replace
        if self.path.is_symlink():
            raise WrongUsageError(f"{path} is a symbolic link: name the directory itself.")
        if self.path.exists() and not self.path.is_dir():
            raise WrongUsageError(f"{path} is no directory: --output names one.")
        self._is_new = not self.path.exists()
        if not replace and os.path.lexists(self.path / MANIFEST):
            raise WrongUsageError(
                f"There is an export in {path}: name another directory, or add --replace."
            )

    def __enter__(self) -> Self:
        holder = self.path.parent if self._is_new else self.path
        with naming_full_disk(self.path):
            if not holder.exists():
                make_private_directory(holder)
            _tidy(holder)
            self.staging, self._descriptor = _staging_in(holder)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        os.close(self._descriptor)

    def publish(self, names: Sequence[str], manifest: bytes) -> None:
        """
        Give the files their names, and then the manifest its own.

        Raises:
            SystemOpsError: something of one of the names is there.
        """
        write_whole(self.staging / MANIFEST, manifest)
        if self._is_new:
            try:
                self.staging.rename(self.path)
            except OSError as error:
                raise SystemOpsError(
                    f"{self.path} was made by somebody else meanwhile, and is not written over."
                ) from error
            sync_directory(self.path.parent)
            return
        self._make_room(names)
        for name in names:
            (self.staging / name).rename(self.path / name)
        sync_directory(self.path)
        (self.staging / MANIFEST).rename(self.path / MANIFEST)
        sync_directory(self.path)

    def _make_room(self, names: Sequence[str]) -> None:
        old = _names_in(self.path / MANIFEST) if self._replaces else []
        for name in names:
            if name not in old and os.path.lexists(self.path / name):
                raise SystemOpsError(f"{self.path / name} exists, and is not written over.")
        if old:
            # First, so that it never tells of files that are others by now.
            (self.path / MANIFEST).unlink()
            sync_directory(self.path)
            for name in old:
                (self.path / name).unlink(missing_ok=True)


def _staging_in(holder: Path) -> tuple[Path, int]:
    """Return a new private directory, and the descriptor that says that somebody is at work."""
    while True:
        path = holder / f".opskit-export-{secrets.token_hex(8)}.part"
        make_private_directory(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Somebody who tidies up may have been faster than the lock.
        if path.exists():
            return path, descriptor
        os.close(descriptor)


def _tidy(holder: Path) -> None:
    """Remove what killed runs have left."""
    for one in list(holder.iterdir()):
        if _STAGING.fullmatch(one.name):
            _remove_abandoned(one)


def _remove_abandoned(staging: Path) -> None:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(staging, flags)
    except OSError:
        return  # gone, another user's, or no directory: none of ours
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(staging, ignore_errors=True)
    except BlockingIOError:
        return  # its run is at work
    finally:
        os.close(descriptor)


def _names_in(manifest: Path) -> list[str]:
    """Return the files of the export that is there; none if there is none."""
    try:
        found = json.loads(manifest.read_bytes())
        names = [str(file["name"]) for file in found["files"]]
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError) as error:
        raise SystemOpsError(f"{manifest} is not of an export: nothing was replaced.") from error
    return [name for name in names if _FILE.fullmatch(name)]
