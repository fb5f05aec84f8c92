"""Media files that come back."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django_system_ops.exceptions import BackupError, DamagedError, NotTriedError, WrongUsageError
from django_system_ops.sealing import Key, StoredReader, naming_full_disk
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import Manifest, MediaPart
from django_system_ops.services.backups.objects import MediaFile, index_of, object_path

__all__ = ["MediaScratch", "media_problems"]


class MediaScratch:
    """A directory beside the one that it is to become."""

    def __init__(self, directory: BackupDirectory, manifest: Manifest, goal: Path) -> None:
        self._directory, self._manifest = directory, manifest
        self._goal = goal.absolute()
        self._path = self._goal.with_name(f"{self._goal.name}.restored-{manifest.id}")
        self._is_finished = False

    def prepare(self) -> None:
        """Raise WrongUsageError where something is that would be mixed with it."""
        if self._goal.is_symlink() or (
            self._goal.exists() and (not self._goal.is_dir() or any(self._goal.iterdir()))
        ):
            raise WrongUsageError(
                f"--media-to {self._goal}: there is something already. Name a directory that is "
                "empty or not there; to swap it with the one in use is then one `mv`."
            )

        if self._goal.exists() and os.path.ismount(self._goal):
            raise WrongUsageError(
                f"--media-to {self._goal}: it is a mount point, which cannot be swapped. Name a "
                "directory in it."
            )

    def load(self, part: MediaPart, key: Key | None, check: Callable[[], None]) -> int:
        """
        Write all files, each checked by its hash, and return how many.

        Raises:
            BackupError: one is not what it was, or has no place here.
        """
        self.drop()
        self._goal.parent.mkdir(parents=True, exist_ok=True)
        self._path.mkdir()
        count = 0
        for file in index_of(self._directory.place(self._manifest.id), part, key):
            check()
            self._write(file, key)
            count += 1
        if count != part.files:
            raise DamagedError(f"The list of media files has {count} of {part.files}.")
        return count

    def drop(self) -> None:
        """Remove it."""
        for path in (self._path, self._goal if self._is_finished else self._path):
            if path.exists():
                shutil.rmtree(path)

    def finish(self) -> None:
        """Make it what it is to become."""
        os.sync()
        if self._goal.exists():
            self._goal.rmdir()
        self._path.rename(self._goal)
        self._is_finished = True

    def _write(self, file: MediaFile, key: Key | None) -> None:
        path = self._path / _safe(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with naming_full_disk(path):
            # Not private: the web server has to read it. The umask decides.
            with os.fdopen(os.open(path, flags, 0o666), "wb") as target:
                copy_checked(self._directory, file, key, target)
            os.utime(path, ns=(file.mtime_ns, file.mtime_ns))


def media_problems(
    directory: BackupDirectory, manifest: Manifest, part: MediaPart, key: Key | None
) -> list[str]:
    """Return which files could not be restored as they were; nothing is written."""
    problems: list[str] = []
    seen: set[str] = set()
    count = 0
    try:
        for file in index_of(directory.place(manifest.id), part, key):
            count += 1
            if file.object not in seen:
                seen.add(file.object)
                try:
                    copy_checked(directory, file, key, None)
                except NotTriedError:
                    raise
                except BackupError as error:
                    problems.append(f"{file.path}: {error}")
    except NotTriedError:
        raise
    except BackupError as error:
        return [*problems, str(error)]
    if count != part.files:
        problems.append(f"The list of media files has {count} of {part.files}.")
    return problems


def copy_checked(
    directory: BackupDirectory, file: MediaFile, key: Key | None, target: BinaryIO | None
) -> None:
    """
    Read a file's content, into ``target`` if there is one.

    Raises:
        DamagedError: it is not what it was.
    """
    digest, size = hashlib.sha256(), 0
    with StoredReader(object_path(directory, file.object), key=key) as reader:
        for data in reader.chunks():
            digest.update(data)
            size += len(data)
            if target is not None:
                target.write(data)
    if (size, digest.hexdigest()) != (file.size, file.sha256):
        raise DamagedError(f"The content of {file.path} is not what it was.")


def _safe(path: str) -> PurePosixPath:
    found = PurePosixPath(path)
    if found.is_absolute() or not found.parts or ".." in found.parts or "\0" in path:
        raise DamagedError(f"{path!r} is not a path below the media files.")
    return found
