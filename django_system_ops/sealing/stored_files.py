"""
Files as backups keep them: compressed, sealed, hashed on the way, there when they are whole.

What is written goes through zstd and the seal into ``<name>.part``, which is brought to the disk
and only then renamed. What is read goes the same way back.
"""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, cast

from django_system_ops.exceptions import BackupError, CutOffError, DamagedError, NotTriedError
from django_system_ops.sealing.keys import Key
from django_system_ops.sealing.private_files import create_private, sync_directory
from django_system_ops.sealing.stream import CHUNK_BYTES, SealingWriter, Sink, UnsealingReader

__all__ = [
    "PART",
    "StoredFile",
    "StoredReader",
    "StoredWriter",
    "checked_chunks",
    "hash_of_stored",
    "naming_full_disk",
    "suffix_of",
]

PART = ".part"
_ZSTD, _SEALED = ".zst", ".sealed"
# The lowest, since a nightly job shares the machine with the site: level 3 takes 1.7 times the CPU
# and makes rows of words 2 % smaller, others up to 20 %.
_LEVEL = 1
# What our writer asks for is far below; a frame that wants more was not made here.
_MOST_WINDOW_BYTES = 1 << 27
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class StoredFile:
    """
    A file of a backup.

    Attributes:
        name: in the backup's directory; its suffixes say how it is stored.
        plain_bytes, plain_sha256: of what went in.
        stored_bytes, stored_sha256: of what is on the disk, which can be checked without a key.
    """

    name: str
    plain_bytes: int
    plain_sha256: str
    stored_bytes: int
    stored_sha256: str


class _Compressor(Protocol):
    def compress(self, data: bytes | memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


def suffix_of(*, compress: bool, key: Key | None) -> str:
    """Return what is added to a name: ``.zst``, ``.sealed``, both or nothing."""
    return (_ZSTD if compress else "") + (_SEALED if key is not None else "")


class StoredWriter:
    """
    Writes one file; as a context manager it removes the unfinished one after any failure.

    ``stored`` says what was written, once the block has ended well. Without ``sync`` the caller
    brings it to the disk, many files at once.

    Raises:
        BackupError: the disk is full; the path is named.
        FileExistsError: somebody else writes it, or it is there already.
    """

    stored: StoredFile

    def __init__(self, path: Path, *, key: Key | None, compress: bool, sync: bool = True) -> None:
        # Not with_suffix, which would eat the last part of a name with full stops.
        self.path = path.with_name(path.name + suffix_of(compress=compress, key=key))
        self._sync = sync
        self._part = self.path.with_name(self.path.name + PART)
        self._plain_hash, self._plain_bytes = hashlib.sha256(), 0
        self._file = _HashingFile(self._part)
        try:
            # Whoever has the part has the name: a rename would not ask.
            if os.path.lexists(self.path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path))
            self._seal = SealingWriter(self._file, key) if key is not None else None
            self._sink: Sink = self._seal or self._file
            self._compressor = _compressor() if compress else None
        except BaseException:
            self._discard()
            raise

    def write(self, data: bytes | memoryview) -> None:
        """Take some more."""
        self._plain_hash.update(data)
        self._plain_bytes += len(data)
        if self._compressor is None:
            self._sink.write(bytes(data))
        elif packed := self._compressor.compress(data):
            self._sink.write(packed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._publish()
        except BaseException:
            self._discard()
            raise

    def _publish(self) -> None:
        if self._compressor is not None:
            self._sink.write(self._compressor.flush())
        if self._seal is not None:
            self._seal.finish()
        self._file.finish(sync=self._sync)
        self._part.rename(self.path)
        if self._sync:
            sync_directory(self.path.parent)
        self.stored = StoredFile(
            self.path.name,
            self._plain_bytes,
            self._plain_hash.hexdigest(),
            self._file.size,
            self._file.hash.hexdigest(),
        )

    def _discard(self) -> None:
        self._file.close()
        with suppress(OSError):
            self._part.unlink()


class StoredReader:
    """
    Reads one file as it was before it was stored.

    Raises:
        SealError: it is damaged, cut off, or sealed with another key.
        BackupError: it is sealed, and there is no key; or it is missing.
    """

    def __init__(self, path: Path, *, key: Key | None) -> None:
        self._path = path
        name, source = path.name, _open(path)
        self._file = source
        try:
            if name.endswith(_SEALED):
                if key is None:
                    raise NotTriedError(
                        f"{path} is encrypted, and there is no key: name its file in "
                        "MANAGEMENT_COMMANDS['backup']['key_file']."
                    )
                name = name.removesuffix(_SEALED)
                source = cast(BinaryIO, UnsealingReader(source, key, name=str(path)))
            self._source: Any = _decompressor(source) if name.endswith(_ZSTD) else source
        except BaseException:
            self._file.close()
            raise

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes, none at the end; all of them by default."""
        if size < 0:
            return b"".join(self.chunks())
        try:
            return bytes(self._source.read(size))
        except BackupError:
            raise
        except Exception as error:
            if type(error).__name__ != "ZstdError":  # the library is optional: no import here
                raise
            raise DamagedError(f"{self._path} is damaged: it cannot be decompressed.") from error

    def chunks(self) -> Iterator[bytes]:
        """Yield all that is in it, some at a time."""
        while data := self.read(CHUNK_BYTES):
            yield data

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def checked_chunks(path: Path, expected: StoredFile, *, key: Key | None) -> Iterator[bytes]:
    """
    Yield what is in a stored file, and fail at the end if it is not what went in.

    Raises:
        SealError: see its children.
        BackupError: it is missing, or there is no key for it.
    """
    digest, size = hashlib.sha256(), 0
    with StoredReader(path, key=key) as reader:
        for data in reader.chunks():
            digest.update(data)
            size += len(data)
            yield data
    # Without a seal, this is where a missing end is found.
    if size < expected.plain_bytes:
        raise CutOffError(f"{path} is cut off: {size} of {expected.plain_bytes} bytes are there.")
    if (size, digest.hexdigest()) != (expected.plain_bytes, expected.plain_sha256):
        raise DamagedError(f"{path} is damaged: its content is not what was written.")


def hash_of_stored(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file as it is on the disk."""
    digest, size = hashlib.sha256(), 0
    with _open(path) as file:
        while data := file.read(CHUNK_BYTES):
            digest.update(data)
            size += len(data)
    return size, digest.hexdigest()


@contextmanager
def naming_full_disk(path: Path) -> Iterator[None]:
    """Turn the errors of a full disk into a sentence with the path."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NotTriedError(
                f"No room for {path}: {error.strerror}. Nothing of it was kept. Make room, or "
                "choose another directory with --output."
            ) from error
        raise


class _HashingFile:
    """A new private file that knows the hash of what was written to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with naming_full_disk(path):
            self._file = os.fdopen(create_private(path), "wb", buffering=0)
        self.hash, self.size = hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.hash.update(data)
        self.size += len(data)
        rest = memoryview(data)
        with naming_full_disk(self._path):
            while rest:
                rest = rest[self._file.write(rest) :]

    def finish(self, *, sync: bool) -> None:
        # Some file systems only find room, or none, at this point.
        with naming_full_disk(self._path):
            if sync:
                os.fsync(self._file.fileno())
            self._file.close()

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()


def _open(path: Path) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise BackupError(f"{path} is missing.") from error
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error
    return os.fdopen(descriptor, "rb", buffering=0)


def _compressor() -> _Compressor:
    zstandard = _zstandard()
    # The checksum finds what is cut off or damaged where there is no seal.
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    return cast(_Compressor, compressor.compressobj())


def _decompressor(source: BinaryIO) -> Any:
    decompressor = _zstandard().ZstdDecompressor(max_window_size=_MOST_WINDOW_BYTES)
    # A stream reader gives what it is asked for and no more: a megabyte may hold gigabytes.
    return decompressor.stream_reader(source, read_size=CHUNK_BYTES)


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise NotTriedError(
            "Compressed backups need the library zstandard: install django-opskit[system-ops], "
            "or set MANAGEMENT_COMMANDS['backup']['compression'] to False."
        ) from error
    return zstandard
