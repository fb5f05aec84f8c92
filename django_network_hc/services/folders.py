"""
Where things lie, below one directory.

Names of networks are checked before they become names of files, and every path that is built here
is below the directory, whatever its parts are.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django_network_hc.conf import get_conf
from django_network_hc.engine.names import TEMPLATE
from django_network_hc.exceptions import InputError, NetworkHcError
from django_network_hc.workbooks.outputs import tracker_name

__all__ = [
    "ScriptFolder",
    "checksum",
    "publish",
    "safe_name",
    "script_folder",
    "sync",
    "total_size",
]

_CHUNK = 1 << 20
_LONGEST_NAME = 200


@dataclass(frozen=True)
class ScriptFolder:
    """The directory of all networks: their files, templates, and a folder for each session."""

    root: Path

    #: As they were published; sessions have folders of their own and need none of the first two.
    DIRECTORIES = ("input-hc-report", "output", "sessions", "backups")

    def tracker(self, network: str) -> Path:
        """Return where the tracker of a network lies."""
        return self.inside(tracker_name(network))

    def ignored_tests(self, network: str) -> Path:
        """Return where the text file with ignored tests lies."""
        return self.inside(f"{network}_ignored_test_cases.txt")

    def ignored_findings(self, network: str) -> Path:
        """Return where the workbook with ignored findings lies."""
        return self.inside(f"{network}_ignored_test_cases.xlsx")

    def required(self, network: str) -> tuple[Path, Path, Path]:
        """Return the three files that a network needs."""
        return (self.tracker(network), self.ignored_tests(network), self.ignored_findings(network))

    @property
    def templates(self) -> tuple[Path, Path, Path]:
        """Return the three files that a new network may begin with."""
        return self.required(TEMPLATE)

    def session(self, session_id: UUID) -> Path:
        """Return the folder of a session."""
        return self.inside("sessions", str(session_id))

    @property
    def backups(self) -> Path:
        """Return where files go that are taken away."""
        return self.inside("backups")

    def inside(self, *parts: str) -> Path:
        """
        Return a path below the directory.

        Raises:
            NetworkHcError: it would be elsewhere.
        """
        path = Path(os.path.normpath(self.root.joinpath(*parts)))
        if not path.is_relative_to(self.root) or path == self.root:
            raise NetworkHcError(f"{'/'.join(parts)!r} is not below {str(self.root)!r}.")
        return path


def script_folder() -> ScriptFolder:
    """Return the directory that the settings name."""
    return ScriptFolder(get_conf().root)


def safe_name(name: str) -> str:
    """
    Return the name of a file as it came.

    Raises:
        InputError: it leads elsewhere, or is none.
    """
    if name in ("", ".", "..") or any(one in name for one in "/\\") or not name.isprintable():
        raise InputError(repr(name), "this is no name of a file: leave its folders out.")
    if name.startswith(".") or len(name.encode()) > _LONGEST_NAME:
        raise InputError(
            repr(name[:60]), "a name has up to 200 bytes and does not begin with a point."
        )
    return name


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file; "" when there is none."""
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                whole.update(chunk)
    except FileNotFoundError:
        return ""
    return whole.hexdigest()


def publish(source: Path, target: Path) -> None:
    """
    Put a copy of a file in its place at once: whoever reads it has the old one or the new one.

    Raises:
        OSError: there is no room for it, or the place is not ours; the old one is still there.
    """
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.draft")
    try:
        shutil.copyfile(source, draft)
        sync(draft)
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync(target.parent)


def sync(path: Path) -> None:
    """Have the disk keep a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def total_size(paths: Iterable[Path]) -> int:
    """Return how many bytes files have; those that are gone have none."""
    size = 0
    for path in paths:
        with suppress(OSError):
            size += path.stat().st_size
    return size
