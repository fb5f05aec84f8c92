"""
Backups of a repository on their way back: looked at, or fetched to be restored.

What is fetched becomes a backup like those of the directory, in a folder that is there as long as
the run, sealed with a key that nobody else ever has. It is restored as they are.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from django_system_ops.conf import get_conf
from django_system_ops.exceptions import BackupError, DamagedError
from django_system_ops.sealing import (
    CHUNK_BYTES,
    Key,
    StoredFile,
    StoredWriter,
    make_private_directory,
    naming_full_disk,
    new_key,
)
from django_system_ops.services.backups.directory import FETCHED, BackupDirectory
from django_system_ops.services.backups.manifests import (
    DatabasePart,
    Manifest,
    MediaPart,
    TenantPart,
)
from django_system_ops.services.backups.objects import MediaFile, ObjectStore
from django_system_ops.services.backups.restic.deposits import Deposit, Deposits, Entry, Listing

__all__ = ["PARTS", "Fetched", "deposit_problems", "fetched"]

#: All that can be fetched.
PARTS = frozenset({"database", "media", "config", "rows"})


@dataclass(frozen=True)
class Fetched:
    """A backup that was fetched: where it is, what is in it, and what opens it."""

    directory: BackupDirectory
    manifest: Manifest
    key: Key


def deposit_problems(
    deposits: Deposits, entry: Entry, deposit: Deposit, check: Callable[[], None]
) -> list[str]:
    """Return what is not in the repository as it was written; nothing is kept of what is read."""
    problems = []
    try:
        deposits.repository.check(check)
    except BackupError as error:
        problems.append(str(error))
    for part in deposit.streams:
        try:
            _stream(deposits, entry, deposit, part, lambda _: check())
        except BackupError as error:
            problems.append(str(error))
    if deposit.media is not None:
        try:
            count = sum(1 for _ in _files(deposits, entry, deposit.media, check))
        except BackupError as error:
            problems.append(str(error))
        else:
            if count != deposit.media.files:
                problems.append(f"{count} of {deposit.media.files} media files are there.")
    return problems


@contextmanager
def fetched(
    deposits: Deposits,
    entry: Entry,
    deposit: Deposit,
    directory: BackupDirectory,
    check: Callable[[], None],
    *,
    parts: frozenset[str],
) -> Iterator[Fetched]:
    """
    Yield a backup, or those of its ``parts``, of PARTS.

    The caller is at work in ``directory``, which has room for it.

    Raises:
        BackupError: it is not what was written, or there is no room.
    """
    with naming_full_disk(directory.path):
        # Private, as mkdtemp makes it.
        folder = BackupDirectory(Path(mkdtemp(prefix=FETCHED, dir=directory.path)))
    try:
        key, place = new_key(), folder.path / deposit.id
        with naming_full_disk(place):
            make_private_directory(place)
        manifest = _Fetching(deposits, entry, deposit, folder, place, key, check).manifest(parts)
        yield Fetched(folder, manifest, key)
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)


@dataclass(frozen=True)
class _Fetching:
    deposits: Deposits
    entry: Entry
    found: Deposit
    folder: BackupDirectory
    place: Path
    key: Key
    check: Callable[[], None]

    def manifest(self, parts: frozenset[str]) -> Manifest:
        deposit = self.found
        database = media = rows = config = None
        if "database" in parts and deposit.database:
            facts = deposit.database.model_dump()
            database = DatabasePart(**facts, file=self._file("database"))
        if "media" in parts and deposit.media:
            media = self._media(deposit.media)
        if "config" in parts and "config" in deposit.streams:
            config = self._file("config")
        if "rows" in parts and deposit.rows:
            rows = TenantPart(**deposit.rows.model_dump(), file=self._file("rows"))
        return Manifest(
            id=deposit.id,
            created_at=deposit.created_at,
            type=deposit.type,
            tenant=deposit.tenant,
            site=deposit.site,
            compression="zstd" if self._compress else "none",
            encryption="aes-256-gcm",
            key_id=self.key.id,
            database=database,
            media=media,
            config=config,
            rows=rows,
        )

    @property
    def _compress(self) -> bool:
        return get_conf().backup.compression

    def _file(self, part: str) -> StoredFile:
        path = self.place / Path(self.found.streams[part].name).name
        with StoredWriter(path, key=self.key, compress=self._compress) as writer:

            def take(data: memoryview) -> None:
                self.check()
                writer.write(data)

            _stream(self.deposits, self.entry, self.found, part, take)
        return writer.stored

    def _media(self, listing: Listing) -> MediaPart:
        store = ObjectStore(self.folder, key=self.key, compress=self._compress)
        count = size = 0
        with StoredWriter(
            self.place / "media.index", key=self.key, compress=self._compress
        ) as index:
            for path, mtime_ns, chunks in _files(self.deposits, self.entry, listing, self.check):
                length, digest, name = store.put(chunks)
                file = MediaFile(path, length, mtime_ns, digest, name)
                index.write(json.dumps(vars(file)).encode() + b"\n")
                count, size = count + 1, size + length
        with StoredWriter(
            self.place / "media.objects", key=None, compress=self._compress
        ) as objects:
            for line in store.lines():
                objects.write(line)
        if count != listing.files:
            raise DamagedError(
                f"The backup {self.found.id} has {count} of {listing.files} media files."
            )
        return MediaPart(
            files=count,
            bytes=size,
            new_objects=store.new_objects,
            new_bytes=store.new_bytes,
            skipped=listing.skipped,
            problems=listing.problems,
            index=index.stored,
            objects=objects.stored,
        )


def _stream(
    deposits: Deposits,
    entry: Entry,
    deposit: Deposit,
    part: str,
    sink: Callable[[memoryview], object],
) -> None:
    """Give ``sink`` a part, and raise DamagedError at the end if it is not what went in."""
    stream = deposit.streams[part]
    digest, count = hashlib.sha256(), 0

    def take(data: memoryview) -> None:
        nonlocal count
        digest.update(data)
        count += len(data)
        sink(data)

    deposits.repository.read(deposits.snapshot(entry, f"/{stream.name}"), take)
    if (count, digest.hexdigest()) != (stream.bytes, stream.sha256):
        raise DamagedError(f"{stream.name} of the backup {deposit.id} is not what was written.")


def _files(
    deposits: Deposits, entry: Entry, listing: Listing, check: Callable[[], None]
) -> Iterator[tuple[str, int, Iterator[bytes]]]:
    """Yield path, time in nanoseconds and content of each media file, in the repository's order."""
    snapshot = deposits.snapshot(entry, listing.root)
    root = listing.root.strip("/") + "/"
    with (
        deposits.repository.opened_archive(snapshot) as pipe,
        _speaking(listing.root),
        BufferedReader(pipe, CHUNK_BYTES) as source,
        tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK_BYTES) as archive,
    ):
        for member in archive:
            check()
            file = archive.extractfile(member) if member.isreg() else None
            if file is None:
                continue
            name = member.name.strip("/")
            if not name.startswith(root):
                raise DamagedError(f"The snapshot of {listing.root} has a file outside of it.")
            yield name.removeprefix(root), int(member.mtime * 10**9), _chunks(file)
        # restic has not ended well before it has written all that it wants to.
        while source.read(CHUNK_BYTES):
            pass


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while data := file.read(CHUNK_BYTES):
        yield data


@contextmanager
def _speaking(root: str) -> Iterator[None]:
    try:
        yield
    except tarfile.TarError as error:
        raise DamagedError(f"The snapshot of {root} cannot be read: {error}") from error
