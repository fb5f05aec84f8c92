"""
Results that cannot be written to the database wait in a file.

One file per monitor, one line per entry: a checksum and JSON, on disk before the call returns. A
line that a crash cut short is left out; whatever was added before it is whole. A file whose monitor
has ended is nobody's, and the next monitor on this machine takes it over.
"""

import fcntl
import json
import logging
import os
import stat
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from django_health_check_job.engine.round import Entry
from django_health_check_job.exceptions import SpoolError

__all__ = ["Spool", "SpoolFile"]

logger = logging.getLogger(__name__)

_SUFFIX = ".spool"
_REJECTED = "rejected.jsonl"


class SpoolFile:
    """
    One file of entries, locked for as long as this object is open.

    Raises:
        BlockingIOError: another process has it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Never through a link that somebody else has put there.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._file: IO[bytes] = os.fdopen(descriptor, "r+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise
        self._sent_path = path.with_suffix(".sent")
        self._lock = threading.Lock()
        #: Which filling of the file it is: offsets of an earlier one mean nothing.
        self.generation = 0
        self._end_last_line()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def is_empty(self) -> bool:
        """Return whether no entry waits here."""
        return self.size == 0

    @property
    def size(self) -> int:
        """Return the length in bytes, which is where the next entry begins."""
        return os.fstat(self._file.fileno()).st_size

    @property
    def sent_up_to(self) -> int:
        """Return the offset before which every entry has reached the monitoring server."""
        with suppress(OSError, ValueError):
            return int(self._sent_path.read_text(encoding="ascii"))
        return 0

    def append(self, entry: Entry) -> None:
        """Add an entry; it is on disk, or OSError was raised and the file is as it was."""
        text = json.dumps(entry.to_document(), separators=(",", ":")).encode()
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        with self._lock:
            before = self.size
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file.fileno(), line[written:])
                os.fsync(self._file.fileno())
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._file.fileno(), before)
                raise

    def entries(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        """Yield the entries from offset ``start`` on, each with the offset behind it."""
        sent_up_to = self.sent_up_to
        # A descriptor of its own: the writer's position is not to move.
        with self.path.open("rb") as lines:
            lines.seek(start)
            offset = start
            for line in lines:
                offset += len(line)
                entry = _read_line(line)
                if entry is None:
                    logger.warning("path=%s offset=%s is damaged: left out", self.path, offset)
                    continue
                entry.is_sent = entry.is_sent or offset <= sent_up_to
                yield offset, entry

    def mark_sent(self, offset: int, *, generation: int) -> None:
        """Note that the monitoring server has every entry before ``offset``."""
        with self._lock:
            if generation != self.generation:
                return
            beside = self._sent_path.with_suffix(".sent.new")
            beside.write_text(str(offset), encoding="ascii")
            beside.replace(self._sent_path)

    def clear(self, up_to: int) -> None:
        """Forget all entries, which are in the database now, unless more came behind ``up_to``."""
        with self._lock:
            if self.size > up_to:
                return
            self.generation += 1
            # First the mark: one that outlived its file would hide the next entries from sending.
            self._sent_path.unlink(missing_ok=True)
            os.ftruncate(self._file.fileno(), 0)

    def close(self) -> None:
        """Let go of the file; an empty one goes."""
        with suppress(OSError):
            if self.is_empty:
                self._sent_path.unlink(missing_ok=True)
                self.path.unlink(missing_ok=True)
        self._file.close()

    def _end_last_line(self) -> None:
        """Let a line that was cut short stay one line: the next entry begins its own."""
        if self.is_empty:
            return
        self._file.seek(-1, os.SEEK_END)
        if self._file.read(1) != b"\n":
            os.write(self._file.fileno(), b"\n")


class Spool:
    """
    The files of one folder, which is this user's alone.

    Args:
        folder: made when the first entry needs it.
        owner: the monitor whose file is written; any text.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self.folder = folder
        safe = "".join(character if character.isalnum() else "-" for character in owner)
        self._path = folder / f"{safe}{_SUFFIX}"
        self._own: SpoolFile | None = None

    @property
    def own(self) -> SpoolFile | None:
        """Return our file; None while nothing was written."""
        return self._own

    def add(self, entry: Entry) -> None:
        """
        Keep an entry on disk.

        Raises:
            SpoolError: the folder is not ours, or the disk is full.
        """
        try:
            if self._own is None:
                self._make_folder()
                self._own = SpoolFile(self._path)
            self._own.append(entry)
        except OSError as error:
            raise SpoolError(
                f"The spool {str(self.folder)!r} cannot be written to: {error.strerror or error}. "
                "Free space there, or name another folder in HEALTH_CHECK_JOB['SPOOL_DIR']."
            ) from error

    def abandoned(self) -> Iterator[SpoolFile]:
        """Yield the files of monitors that have ended, each locked until the next is asked for."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            if path == self._path:
                continue
            try:
                file = SpoolFile(path)
            except BlockingIOError:
                continue
            except OSError as error:
                logger.warning("path=%s cannot be read: %s", path, error.strerror)
                continue
            with file:
                yield file

    def reject(self, entry: Entry) -> None:
        """Put an entry that the database will never take beside the others, for a person."""
        with (self.folder / _REJECTED).open("a", encoding="ascii") as file:
            file.write(f"{json.dumps(entry.to_document())}\n")

    def waiting_bytes(self) -> int:
        """Return how much waits in the folder, for whomever."""
        with suppress(OSError):
            return sum(path.stat().st_size for path in self.folder.glob(f"*{_SUFFIX}"))
        return 0

    def close(self) -> None:
        """Let go of our file."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a folder that everybody may write to, somebody else may have made it before us.
        status = self.folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise PermissionError(0, "it belongs to another user")


def _read_line(line: bytes) -> Entry | None:
    checksum, _space, text = line.rstrip(b"\n").partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text):
            return None
        return Entry.from_document(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
