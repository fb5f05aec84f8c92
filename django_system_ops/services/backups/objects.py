"""
Media files: each content is stored once, whichever backups have it.

``objects/ab/abcd….zst.sealed`` is named after the SHA-256 of its content; with encryption after an
HMAC of that, since the hash of a known file would tell that it is there. A backup has a list of
paths (``media.index``, sealed as all is) and one of the objects that it needs (``media.objects``,
with the hashes of what is on the disk, so that anybody can check those and see which objects are
needed).
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django_system_ops.exceptions import DamagedError, SystemOpsError
from django_system_ops.sealing import (
    Key,
    StoredWriter,
    checked_chunks,
    hash_of_stored,
    make_private_directory,
    naming_full_disk,
    suffix_of,
)
from django_system_ops.services.backups.catalogue import entries
from django_system_ops.services.backups.directory import BackupDirectory
from django_system_ops.services.backups.manifests import MediaPart

__all__ = ["MediaFile", "ObjectStore", "index_of", "object_path", "objects_of"]

_PER_WRITE = 1000


@dataclass(frozen=True)
class MediaFile:
    """
    A line of the index.

    Attributes:
        path: below the root, as the file system has it.
        sha256: of the content.
        object: the object that has the content.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str
    object: str

    @property
    def looks(self) -> tuple[int, int]:
        """Return what would be another if the file had been written to."""
        return self.size, self.mtime_ns


def index_of(place: Path, part: MediaPart, key: Key | None) -> Iterator[MediaFile]:
    """
    Yield the files of a backup; what is wrong with the list is raised at its end at the latest.

    Raises:
        SealError: it is damaged.
    """
    for line in _lines(checked_chunks(place / part.index.name, part.index, key=key)):
        try:
            yield MediaFile(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise DamagedError(f"{place / part.index.name} has a line that is none.") from error


def objects_of(place: Path, part: MediaPart) -> Iterator[tuple[str, int, str]]:
    """Yield name, size and SHA-256 of each object that a backup needs, as stored."""
    for line in _lines(checked_chunks(place / part.objects.name, part.objects, key=None)):
        name, size, digest = line.decode("ascii", "replace").split(" ")
        yield name, int(size), digest


def object_path(directory: BackupDirectory, name: str) -> Path:
    """
    Return where an object is.

    Raises:
        DamagedError: no object can have that name.
    """
    stem = name.partition(".")[0]
    if len(stem) != 64 or set(stem) - set("0123456789abcdef") or "/" in name:
        raise DamagedError(f"{name!r} is not the name of an object.")
    return directory.objects / name[:2] / name


class ObjectStore:
    """The objects: which there are, and new ones."""

    def __init__(self, directory: BackupDirectory, *, key: Key | None, compress: bool) -> None:
        self._directory, self._key, self._compress = directory, key, compress
        self._known = _known_objects(directory)
        self._used: dict[str, tuple[int, str]] = {}
        self.new_objects = self.new_bytes = 0
        if not directory.objects.exists():
            make_private_directory(directory.objects)

    def name_of(self, sha256: str) -> str:
        """Return what the object of a content is called."""
        stem = sha256
        if self._key is not None:
            stem = self._key.tag(b"object name", bytes.fromhex(sha256))
        return stem + suffix_of(compress=self._compress, key=self._key)

    def has(self, name: str) -> bool:
        """Return whether a finished backup vouches for an object and it is there; note its use."""
        if (known := self._known.get(name)) is None:
            return False
        with suppress(OSError):
            if object_path(self._directory, name).lstat().st_size == known[0]:
                self._used[name] = known
                return True
        return False

    def put(self, chunks: Iterable[bytes]) -> tuple[int, str, str]:
        """Store a content; return its size, SHA-256 and object."""
        incoming = self._directory.objects / f"incoming-{secrets.token_hex(8)}"
        with StoredWriter(incoming, key=self._key, compress=self._compress, sync=False) as writer:
            for data in chunks:
                writer.write(data)
        stored = writer.stored
        name = self.name_of(stored.plain_sha256)
        path = object_path(self._directory, name)
        # One that has rotted would be handed on from backup to backup.
        if self.has(name) and hash_of_stored(path) == self._known[name]:
            writer.path.unlink()
            return stored.plain_bytes, stored.plain_sha256, name
        with naming_full_disk(path):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            # One that no finished backup vouches for may be half of what it should be.
            writer.path.rename(path)
        self._used[name] = self._known[name] = (stored.stored_bytes, stored.stored_sha256)
        self.new_objects += 1
        self.new_bytes += stored.stored_bytes
        return stored.plain_bytes, stored.plain_sha256, name

    def lines(self) -> Iterator[bytes]:
        """Yield the list of the objects that were used, many lines at a time."""
        lines = [f"{name} {size} {digest}\n" for name, (size, digest) in self._used.items()]
        for start in range(0, len(lines), _PER_WRITE):
            yield "".join(lines[start : start + _PER_WRITE]).encode()


def _known_objects(directory: BackupDirectory) -> dict[str, tuple[int, str]]:
    known: dict[str, tuple[int, str]] = {}
    for entry in entries(directory):
        if entry.manifest and entry.manifest.media:
            with suppress(SystemOpsError, OSError, ValueError):
                for name, size, digest in objects_of(entry.place, entry.manifest.media):
                    known[name] = (size, digest)
    return known


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        raise DamagedError("A list of media files ends in the middle of a line.")
