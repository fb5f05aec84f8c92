"""Keys of sealed files, and the files that hold them."""

import base64
import hashlib
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path

from django_system_ops.exceptions import KeyFileError
from django_system_ops.sealing.private_files import create_private, sync_directory

__all__ = [
    "KEY_BYTES",
    "Key",
    "derive",
    "key_file_text",
    "new_key",
    "parse_key",
    "read_key_file",
    "write_key_file",
]

KEY_BYTES = 32
KEY_ID_BYTES = 8
_PREFIX = "OPS-KEY-1-"
_MOST_BYTES = 4096


@dataclass(frozen=True)
class Key:
    """
    What seals and opens files; what is derived from it depends on nothing else.

    Attributes:
        id: tells keys apart and gives nothing away: 16 hexadecimal digits.
    """

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """Return what the key is called."""
        return self.derived(b"key id", KEY_ID_BYTES).hex()

    def derived(self, purpose: bytes, length: int = KEY_BYTES) -> bytes:
        """Return a key for one purpose; those for other purposes say nothing about it."""
        return derive(self.secret, b"", purpose, length)

    def tag(self, purpose: bytes, message: bytes) -> str:
        """Return the HMAC-SHA256 of a message, in hexadecimal digits."""
        return hmac.new(self.derived(purpose), message, hashlib.sha256).hexdigest()


def derive(secret: bytes, salt: bytes, purpose: bytes, length: int = KEY_BYTES) -> bytes:
    """
    Return bytes derived from a secret, for one purpose.

    Source: RFC 5869 (HKDF), with SHA-256.
    """
    extracted = hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()
    info, block, found = b"django-system-ops v1 " + purpose, b"", b""
    counter = 1
    while len(found) < length:
        block = hmac.new(extracted, block + info + bytes([counter]), hashlib.sha256).digest()
        found += block
        counter += 1
    return found[:length]


def new_key() -> Key:
    """Return a key from the system's random numbers."""
    return Key(secrets.token_bytes(KEY_BYTES))


def key_file_text(key: Key) -> str:
    """Return what stands in the file of a key."""
    text = base64.urlsafe_b64encode(key.secret).decode().rstrip("=")
    lines = (
        "# The key of this site's backups (django_system_ops). Whoever has it reads them all;",
        "# without it nobody can. Keep a copy elsewhere, and never among the backups.",
        f"# key id: {key.id}",
        f"{_PREFIX}{text}",
    )
    return "\n".join(lines) + "\n"


def write_key_file(path: Path, key: Key) -> None:
    """
    Write a key where there is no file yet, readable by its owner alone.

    Raises:
        KeyFileError: there is a file already.
        OSError: it cannot be written.
    """
    try:
        descriptor = create_private(path)
    except FileExistsError as error:
        raise KeyFileError(
            f"{path} exists already and stays as it is: a key that is overwritten opens no "
            "backup any more. Choose another name."
        ) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key_file_text(key))
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)


def read_key_file(path: Path) -> Key:
    """
    Return the key in a file.

    Raises:
        KeyFileError: there is none, it is not a key, or others than its owner can read it.
    """
    try:
        # Not blocking: a pipe without a writer would hold us here for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise KeyFileError(
            f"The key file {path} cannot be read: {error.strerror}. Make one with "
            f"`manage.py ops_keygen --output {path}`, or bring the copy that you kept."
        ) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise KeyFileError(f"The key file {path} is not a regular file.")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_mode & 0o077:
            raise KeyFileError(
                f"The key file {path} may be read by others (mode {found.st_mode & 0o777:04o}). "
                f"Run `chmod 600 {path}`."
            )
        text = file.read(_MOST_BYTES).decode("ascii", "replace")
    try:
        return parse_key(text)
    except ValueError as error:
        raise KeyFileError(
            f"The key file {path} holds no key: its last line has to be the one that "
            "ops_keygen wrote."
        ) from error


def parse_key(text: str) -> Key:
    """
    Return the key in the text of a key file.

    Raises:
        ValueError: there is none in it.
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if len(lines) != 1 or not lines[0].startswith(_PREFIX):
        raise ValueError("no key in it")
    encoded = lines[0].removeprefix(_PREFIX)
    secret = base64.b64decode(f"{encoded}{'=' * (-len(encoded) % 4)}", altchars="-_", validate=True)
    if len(secret) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, and this has {len(secret)}")
    return Key(secret)
