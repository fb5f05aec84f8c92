"""The file of the rows that did not come in, as lines of JSON."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from io import FileIO
from pathlib import Path

from django_system_ops.sealing import create_private, sync_directory
from django_system_ops.services.importing.problems import Rejected
from django_system_ops.services.importing.room import naming_full_disk

__all__ = ["SUFFIX", "Rejects", "rejects_place"]

SUFFIX = ".rejects.jsonl"


class Rejects:
    """
    Rejected rows, written before the transaction commits that knows about them.

    While a run is at work, and after one was killed, the file ends with ``.part``. What a killed
    run has written behind its last commit is cut off when the next one goes on.
    """

    def __init__(self, path: Path, *, keep_bytes: int = 0) -> None:
        self.path = path
        self._part = path.with_name(f"{path.name}.part")
        self._file: FileIO | None = None
        self._goes_on = bool(keep_bytes)
        self.size = 0
        #: Whether what the runs before have written is gone.
        self.has_lost = bool(keep_bytes)
        if keep_bytes and self._part.is_file() and not self._part.is_symlink():
            flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.fdopen(os.open(self._part, flags), "wb", buffering=0)
            self.size = min(keep_bytes, self._part.stat().st_size)
            self.has_lost = self.size < keep_bytes
            self._file.truncate(self.size)
            self._file.seek(self.size)

    def write(self, rejected: Iterable[Rejected]) -> None:
        """Add rows; when this returns, they are on the disk."""
        lines = [self._line(one) for one in rejected]
        if not lines:
            return
        data = b"".join(lines)
        with naming_full_disk(self._part, "Make room, and go on with --resume."):
            if self._file is None:
                self._part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._part.unlink(missing_ok=True)
                # Unbuffered: what the disk had no room for must not be tried again at the close.
                self._file = os.fdopen(create_private(self._part), "wb", buffering=0)
                sync_directory(self._part.parent)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(self._file.fileno())
        self.size += len(data)

    def finish(self) -> Path | None:
        """Give the file its name, and return it; None, and no file, when every row came in."""
        if self._file is None:
            if not self._goes_on:
                self.remove()
            return None
        self._file.close()
        self._part.replace(self.path)
        sync_directory(self.path.parent)
        return self.path

    def remove(self) -> None:
        """Remove what a run before has left: by now it tells of rows that are in."""
        for path in (self._part, self.path):
            # The rows are in: a folder that is not ours is no reason to fail.
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Let go of the file as it is, for the next run to go on with."""
        if self._file is not None:
            self._file.close()

    @staticmethod
    def _line(one: Rejected) -> bytes:
        document = {**one.document(), "row": one.row}
        return json.dumps(document, default=str).encode() + b"\n"


def rejects_place(path: Path, elsewhere: Path, *, owner: str) -> Path:
    """
    Return where the rejected rows of a file go: beside it, or where there is no writing.

    ``owner`` tells them from those of the same file for another type, tenant or database.
    """
    name = f"{path.name}.{owner}{SUFFIX}"
    if os.access(path.parent, os.W_OK):
        return path.parent / name
    return elsewhere / name
