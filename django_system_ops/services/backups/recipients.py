"""
Keys that the server forgets: backups that it can make and cannot read.

Each run has a key of its own. That key goes into the backup as ``key.age``, encrypted by age(1) for
those who may read it, and is nowhere else when the run is over. Who has an identity of theirs gets
the key back: here with ``restore_backup --identity``, or anywhere with ``age --decrypt``.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from django_opskit.masking import mask_text
from django_system_ops.exceptions import BackupError, DamagedError, KeyFileError, NotTriedError
from django_system_ops.sealing import Key, StoredFile, StoredWriter, key_file_text, parse_key
from django_system_ops.services.backups.programs import program

__all__ = ["seal_key", "unseal_key"]

_NAME = "key.age"
_PATIENCE_SECONDS = 60


def seal_key(place: Path, key: Key, recipients: Sequence[str]) -> StoredFile:
    """
    Write a key into a backup, for these recipients.

    Raises:
        NotTriedError: the program age is not there.
        BackupError: it refuses a recipient; its own words are in the sentence.
    """
    words = [word for one in recipients for word in ("--recipient", one)]
    sealed = _age([*words], key_file_text(key).encode())
    with StoredWriter(place / _NAME, key=None, compress=False) as writer:
        writer.write(sealed)
    return writer.stored


def unseal_key(path: Path, identity: Path) -> Key:
    """
    Return the key in a ``key.age``.

    Args:
        path: of that file.
        identity: a file of ``age-keygen``, for nobody else to read.

    Raises:
        KeyFileError: there is no such identity, others may read it, or it is no recipient's.
        DamagedError: what was encrypted is no key.
    """
    try:
        mode = identity.stat().st_mode
    except OSError as error:
        raise KeyFileError(f"The identity {identity} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise KeyFileError(
            f"The identity {identity} may be read by others (mode {mode & 0o777:04o}). Run "
            f"`chmod 600 {identity}`."
        )
    try:
        text = _age(["--decrypt", "--identity", str(identity), str(path)], b"")
    except NotTriedError:
        raise
    except BackupError as error:
        raise KeyFileError(f"{identity} does not open {path}: {error}") from error
    try:
        return parse_key(text.decode("ascii", "replace"))
    except ValueError as error:
        raise DamagedError(f"{path} holds no key.") from error


def _age(words: Sequence[str], given: bytes) -> bytes:
    # Recipients and paths are no secrets; a key goes through a pipe.
    done = subprocess.run(  # noqa: S603  # a program that the site names
        [program("age"), *words],
        input=given,
        capture_output=True,
        check=False,
        timeout=_PATIENCE_SECONDS,
    )
    if done.returncode:
        said = " ".join(mask_text(done.stderr.decode(errors="replace")).split())
        raise BackupError(f"age failed with status {done.returncode}: {said}")
    return done.stdout
