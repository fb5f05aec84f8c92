"""Files and directories that are their owner's alone."""

import os
import stat
from pathlib import Path

from django_system_ops.exceptions import BackupError

__all__ = [
    "create_private",
    "make_private_directory",
    "require_private_directory",
    "sync_directory",
]


def create_private(path: Path) -> int:
    """
    Return the descriptor of a new file of mode 0600, open for reading and writing.

    Raises:
        FileExistsError: something is there, be it a link that leads nowhere.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, 0o600)


def make_private_directory(path: Path) -> None:
    """
    Make a directory of mode 0700, and those above it as the umask has them.

    Raises:
        FileExistsError: something is there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700)
    sync_directory(path.parent)


def require_private_directory(path: Path) -> None:
    """
    Do nothing if a directory is ours alone.

    Raises:
        BackupError: it is a link, another user's, or open to others; says what to run.
    """
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise BackupError(
            f"{path} is a symbolic link, which others could turn elsewhere. Name the directory "
            f"itself: {path.resolve()}."
        )
    if not stat.S_ISDIR(found.st_mode):
        raise BackupError(f"{path} is not a directory.")
    if found.st_uid != os.geteuid():
        raise BackupError(
            f"{path} belongs to user {found.st_uid}, and this is user {os.geteuid()}. Run "
            f"`chown {os.geteuid()} {path}` as root, or run this command as that user."
        )
    if found.st_mode & 0o077:
        raise BackupError(
            f"{path} is open to others (mode {found.st_mode & 0o777:04o}). Run `chmod 700 {path}`."
        )


def sync_directory(path: Path) -> None:
    """Bring the names in a directory to the disk, so that a power cut cannot undo a rename."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
