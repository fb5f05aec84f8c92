"""
The sealed stream: AES-256-GCM in chunks, each bound to its place and to being the last or not.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption
and its Nonce-Reuse Misuse-Resistance", 2015): the nonce is a prefix, a counter and a flag for
the last chunk. So a chunk that is missing, moved, repeated or added is found, and the end too.

Layout: a header of 66 bytes, then chunks of 1 MiB with 16 bytes of tag each, the last one shorter
and there even when it is empty.

====== =====================================================================
bytes
====== =====================================================================
8      ``OPSSEAL`` and a zero
1      version: 1
1      chunk size as a power of two: 20
8      key id
32     salt, random: the file's own key and nonce prefix are derived from it
16     tag over the 50 bytes before it, by a key derived from the salt
====== =====================================================================
"""

import hashlib
import hmac
import secrets
import struct
from typing import BinaryIO, Protocol

from django_system_ops.exceptions import (
    BackupError,
    CutOffError,
    DamagedError,
    ReorderedError,
    SealError,
    WrongKeyError,
)
from django_system_ops.sealing.keys import KEY_BYTES, Key, derive

__all__ = ["CHUNK_BYTES", "HEADER_BYTES", "SealingWriter", "UnsealingReader"]

MAGIC = b"OPSSEAL\0"
VERSION = 1
CHUNK_POWER = 20
CHUNK_BYTES = 1 << CHUNK_POWER
TAG_BYTES = 16
HEADER_BYTES = 66
_HEADER = struct.Struct(">8sBB8s32s")
_PREFIX_BYTES = 7
# As far away as the right place of a chunk is looked for, to say what happened.
_LOOK_FOR_CHUNKS = 32


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take them all."""


class SealingWriter:
    """
    Seals what is written to it, into ``sink``; :meth:`finish` makes it whole.

    Raises:
        BackupError: the library ``cryptography`` is not installed.
    """

    def __init__(self, sink: Sink, key: Key) -> None:
        salt = secrets.token_bytes(32)
        header = _HEADER.pack(MAGIC, VERSION, CHUNK_POWER, bytes.fromhex(key.id), salt)
        self._file = _FileKey(key, salt)
        self._sink = sink
        self._pending = bytearray()
        self._counter = 0
        sink.write(header + self._file.header_tag(header))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Seal some more."""
        self._pending += data
        # One chunk stays back, however full: only the end says whether it is the last.
        while len(self._pending) > CHUNK_BYTES:
            self._seal(bytes(self._pending[:CHUNK_BYTES]), is_last=False)
            del self._pending[:CHUNK_BYTES]

    def finish(self) -> None:
        """Seal the end."""
        self._seal(bytes(self._pending), is_last=True)
        self._pending.clear()

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._sink.write(self._file.seal(chunk, self._counter, is_last=is_last))
        self._counter += 1


class UnsealingReader:
    """
    Reads what was sealed, chunk by chunk; nothing comes out that is not what went in.

    The end of the stream only comes when the last chunk was there: a reader that gets there has
    read all.
    """

    def __init__(self, source: BinaryIO, key: Key, *, name: str) -> None:
        self._source = source
        self._name = name
        self._counter = 0
        self._plain = memoryview(b"")
        self._file = self._read_header(key)
        self._chunk = self._next_chunk()
        if not self._chunk:
            # Even an empty file has a last chunk.
            raise CutOffError(f"{name} is cut off after its first bytes.")

    def read(self, size: int = -1) -> bytes:
        """
        Return at most ``size`` bytes, fewer at the end of a chunk, none at the end of it all.

        Raises:
            SealError: see its children.
        """
        if not self._plain and self._chunk:
            self._plain = memoryview(self._open_chunk())
        taken = self._plain[: size if size >= 0 else None]
        self._plain = self._plain[len(taken) :]
        return bytes(taken)

    def _read_header(self, key: Key) -> "_FileKey":
        header = _read_exactly(self._source, HEADER_BYTES)
        if header[: len(MAGIC)] != MAGIC[: len(header)] or not header:
            raise SealError(f"{self._name} is no sealed file.")
        if len(header) < HEADER_BYTES:
            raise CutOffError(f"{self._name} is cut off in its first bytes.")
        _, version, power, key_id, salt = _HEADER.unpack(header[: _HEADER.size])
        if (version, power) != (VERSION, CHUNK_POWER):
            raise SealError(
                f"{self._name} is sealed in a way that this version does not know "
                f"({version}, {power}), or it is damaged."
            )
        if key_id.hex() != key.id:
            raise WrongKeyError(
                f"{self._name} was sealed with the key {key_id.hex()}, and the key here is "
                f"{key.id}. Name the right file in MANAGEMENT_COMMANDS['backup']['key_file']."
            )
        file = _FileKey(key, salt)
        if not hmac.compare_digest(file.header_tag(header[: _HEADER.size]), header[_HEADER.size :]):
            raise DamagedError(f"{self._name} is damaged in its first bytes.")
        return file

    def _next_chunk(self) -> bytes:
        return _read_exactly(self._source, CHUNK_BYTES + TAG_BYTES)

    def _open_chunk(self) -> bytes:
        chunk = self._chunk
        # What follows tells whether this one has to be the last.
        self._chunk = self._next_chunk() if len(chunk) == CHUNK_BYTES + TAG_BYTES else b""
        is_last = not self._chunk
        plain = self._file.open(chunk, self._counter, is_last=is_last)
        if plain is None:
            raise self._explained(chunk, is_last=is_last)
        self._counter += 1
        return plain

    def _explained(self, chunk: bytes, *, is_last: bool) -> SealError:
        place = f"{self._name}, part {self._counter + 1}"
        if self._file.open(chunk, self._counter, is_last=not is_last) is not None:
            if is_last:
                return CutOffError(f"{self._name} is cut off after part {self._counter + 1}.")
            return DamagedError(f"{self._name} goes on after its end: something was added.")
        first = max(0, self._counter - _LOOK_FOR_CHUNKS)
        for counter in range(first, self._counter + _LOOK_FOR_CHUNKS):
            for flag in (False, True):
                if self._file.open(chunk, counter, is_last=flag) is not None:
                    return ReorderedError(f"{place}: here stands what was part {counter + 1}.")
        if is_last:
            return DamagedError(f"{place} is damaged, or cut off within this last part.")
        return DamagedError(f"{place} is damaged.")


class _FileKey:
    """The key of one file, and how its chunks are sealed."""

    def __init__(self, key: Key, salt: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError as error:
            raise BackupError(
                "Encrypted backups need the library cryptography: install "
                "django-opskit[system-ops]."
            ) from error
        derived = derive(key.secret, salt, b"sealed file", 2 * KEY_BYTES + _PREFIX_BYTES)
        self._cipher = AESGCM(derived[:KEY_BYTES])
        self._header_key = derived[KEY_BYTES : 2 * KEY_BYTES]
        self._prefix = derived[2 * KEY_BYTES :]

    def header_tag(self, header: bytes) -> bytes:
        return hmac.new(self._header_key, header, hashlib.sha256).digest()[:TAG_BYTES]

    def seal(self, chunk: bytes, counter: int, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(counter, is_last=is_last), chunk, None)

    def open(self, chunk: bytes, counter: int, *, is_last: bool) -> bytes | None:
        from cryptography.exceptions import InvalidTag

        if len(chunk) < TAG_BYTES:
            return None
        try:
            return self._cipher.decrypt(self._nonce(counter, is_last=is_last), chunk, None)
        except InvalidTag:
            return None

    def _nonce(self, counter: int, *, is_last: bool) -> bytes:
        # 2**32 chunks are 4 PiB; beyond that struct refuses, and no nonce comes twice.
        return self._prefix + struct.pack(">IB", counter, is_last)


def _read_exactly(source: BinaryIO, size: int) -> bytes:
    """Return so many bytes, and fewer only at the end."""
    data = source.read(size)
    if len(data) == size or not data:
        return data
    parts = [data]
    left = size - len(data)
    while left and (more := source.read(left)):
        parts.append(more)
        left -= len(more)
    return b"".join(parts)
