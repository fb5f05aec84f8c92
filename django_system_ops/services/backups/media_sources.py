"""Where a site's media files are: a directory, or a storage of any other kind."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from django.core.files.storage import FileSystemStorage, storages

from django_system_ops.exceptions import BackupError
from django_system_ops.sealing import CHUNK_BYTES
from django_system_ops.services.texts import one_line

if TYPE_CHECKING:
    from django.core.files.storage import Storage

__all__ = [
    "DirectorySource",
    "Looks",
    "Report",
    "Source",
    "StorageSource",
    "UnreadableError",
    "media_source",
]


_MOST_NOTES = 1000


@dataclass(frozen=True)
class Looks:
    """What would be another if a file had been written to."""

    size: int
    mtime_ns: int


@dataclass
class Report:
    """
    What is not in a backup.

    Attributes:
        skipped: links and what else is no file, and what was removed meanwhile.
        problems: files that could not be read, or not as they were at one moment.
    """

    skipped: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def skip(self, path: str, why: str) -> None:
        """Note what is left out."""
        _note(self.skipped, path, why)

    def trouble(self, path: str, why: str) -> None:
        """Note what should be there and is not."""
        _note(self.problems, path, why)


def _note(notes: list[str], path: str, why: str) -> None:
    if len(notes) < _MOST_NOTES:
        # A name need not be text.
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        notes.append(f"{name}: {why}")
    elif len(notes) == _MOST_NOTES:
        notes.append("and more")


class UnreadableError(Exception):
    """A file that should be in the backup cannot be read; the text is the system's."""


class Source(Protocol):
    """Media files on their way into a backup."""

    def paths(self, report: Report) -> Iterator[tuple[str, Looks]]:
        """Yield all files, in the order of their paths; what cannot be had goes to ``report``."""

    def opened(self, path: str) -> "OpenFile":
        """Return an open file, as a context manager's value does; raises FileNotFoundError."""


class OpenFile(Protocol):
    """One file that is read."""

    def __enter__(self) -> "OpenFile": ...
    def __exit__(self, *_: object) -> None: ...
    def looks(self) -> Looks:
        """Return its looks now."""

    def chunks(self) -> Iterator[bytes]:
        """Yield what is in it."""


def media_source() -> Source | None:
    """Return where the site's media files are; None where there are none."""
    storage = storages["default"]
    if not isinstance(storage, FileSystemStorage):
        return StorageSource(storage)
    # An unset MEDIA_ROOT would be the working directory.
    root = Path(storage.location) if storage.base_location else None
    return DirectorySource(root) if root is not None and root.is_dir() else None


@dataclass(frozen=True)
class DirectorySource:
    """The files below a directory; links are not followed."""

    root: Path

    def paths(self, report: Report) -> Iterator[tuple[str, Looks]]:
        """See :class:`Source`."""

        def unreadable(error: OSError) -> None:
            path = os.path.relpath(error.filename, self.root)
            if isinstance(error, FileNotFoundError):
                report.skip(path, "it was removed meanwhile")
            else:
                report.trouble(path, error.strerror or "it cannot be read")

        for folder, folders, names in os.walk(self.root, onerror=unreadable):
            folders.sort()
            for name in [*folders]:
                if (Path(folder) / name).is_symlink():
                    folders.remove(name)
                    report.skip(self._below(folder, name), "a symbolic link")
            for name in sorted(names):
                path = self._below(folder, name)
                if (looks := self._looks(path, report)) is not None:
                    yield path, looks

    def opened(self, path: str) -> "_DirectoryFile":
        """See :class:`Source`."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return _DirectoryFile(os.open(self.root / path, flags))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise UnreadableError(error.strerror) from error

    def _below(self, folder: str, name: str) -> str:
        return os.path.relpath(Path(folder) / name, self.root)

    def _looks(self, path: str, report: Report) -> Looks | None:
        try:
            found = (self.root / path).lstat()
        except FileNotFoundError:
            report.skip(path, "it was removed meanwhile")
            return None
        except OSError as error:
            report.trouble(path, error.strerror or "it cannot be read")
            return None
        if stat.S_ISREG(found.st_mode):
            return Looks(found.st_size, found.st_mtime_ns)
        what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "not a file"
        report.skip(path, what)
        return None


class _DirectoryFile:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> "_DirectoryFile":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def looks(self) -> Looks:
        found = os.fstat(self._descriptor)
        return Looks(found.st_size, found.st_mtime_ns)

    def chunks(self) -> Iterator[bytes]:
        try:
            while data := os.read(self._descriptor, CHUNK_BYTES):
                yield data
        except OSError as error:
            raise UnreadableError(error.strerror) from error


@dataclass(frozen=True)
class StorageSource:
    """
    The files of a storage such as a bucket, by its own ``listdir``.

    Asking for the looks of a file may be a request each; only files that are new are fetched.

    Raises:
        BackupError: the storage cannot be listed, or is away.
    """

    storage: "Storage"

    def paths(self, report: Report) -> Iterator[tuple[str, Looks]]:
        """See :class:`Source`."""
        yield from self._below("", report)

    def opened(self, path: str) -> "_StorageFile":
        """See :class:`Source`."""
        with self._speaking(path):
            return _StorageFile(self, path)

    def looks(self, path: str) -> Looks:
        """Return size and time as the storage has them; a time in whole microseconds."""
        with self._speaking(path):
            changed = self.storage.get_modified_time(path)
            return Looks(self.storage.size(path), round(changed.timestamp() * 10**6) * 1000)

    def _below(self, folder: str, report: Report) -> Iterator[tuple[str, Looks]]:
        with self._speaking(folder or "its files"):
            folders, names = self.storage.listdir(folder)
        for name in sorted(one for one in names if one):
            path = f"{folder}/{name}" if folder else name
            try:
                yield path, self.looks(path)
            except FileNotFoundError:
                report.skip(path, "it was removed meanwhile")
        for name in sorted(one for one in folders if one):
            yield from self._below(f"{folder}/{name}" if folder else name, report)

    @contextmanager
    def _speaking(self, path: str) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, BackupError):
            raise
        except Exception as error:  # each storage has errors of its own
            name = type(self.storage).__qualname__
            raise BackupError(f"{path} in {name} cannot be read: {one_line(error)}") from error


class _StorageFile:
    def __init__(self, source: StorageSource, path: str) -> None:
        self._source, self._path = source, path
        self._file = source.storage.open(path, "rb")

    def __enter__(self) -> "_StorageFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def looks(self) -> Looks:
        return self._source.looks(self._path)

    def chunks(self) -> Iterator[bytes]:
        with self._source._speaking(self._path):
            yield from iter(lambda: self._file.read(CHUNK_BYTES), b"")
