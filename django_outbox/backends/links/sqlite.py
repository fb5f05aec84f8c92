"""SQLite: a locked file as the sign of life, the database's change counter for news."""

import fcntl
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_opskit.own_connections import close_own, own_connection
from django_outbox.backends.links.base import Interruptible
from django_outbox.backends.links.file_watch import FileWatch

__all__ = ["SQLiteLink"]

_LOOK_EVERY_SECONDS = 0.03

# A change is seen so long after the write that we hear of, at most: the writer waits for its disk
# in between. One that takes longer is found at the end of the wait.
_PAUSES_SECONDS = (0.0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.02)
# Others may write all the time, and need not wake us for each.
_BETWEEN_NEWS_SECONDS = 0.02

# The kernel's clock for files ticks every few milliseconds: two changes may bear one time.
_TICK_NS = 50_000_000

_WATCH = "watch"


class SQLiteLink(Interruptible):
    """
    See :class:`~django_outbox.backends.links.base.Link`.

    The locks are files in a folder beside the database's, so that processes which see the one
    see the other, be they in containers. A database in memory has neither.
    """

    def __init__(self, worker: str, *, using: str, with_lock: bool, with_news: bool) -> None:
        super().__init__()
        self.worker = worker
        self.using = using
        self.brings_news = with_news
        connection = connections[using]
        path = str(connection.settings_dict["NAME"])
        is_file = not connection.is_in_memory_db() and not path.startswith("file:")  # type: ignore[attr-defined]  # SQLite's wrapper has it
        self.with_lock = with_lock and is_file
        self._folder = Path(f"{path}-outbox")
        self._name = _name_for(worker)
        # A change is written to one of these, whichever journal mode it is.
        self._written = (path, f"{path}-wal") if is_file else ()
        self._seen_times: list[tuple[int, int]] = []
        self._connection: BaseDatabaseWrapper | None = None
        self._lock: int | None = None
        self._watch: int | None = None
        self._seen_version = 0
        self._writes: FileWatch | None = None
        self._heard_at = 0.0

    def open(self) -> None:
        """Note where the counter stands."""
        self._connection = own_connection(self.using)
        self._seen_version = self._version()
        if self.brings_news and self._written:
            with suppress(OSError):
                self._writes = FileWatch(self._written)

    def take_lock(self) -> bool:
        """Lock a file of our own until we close it, or die."""
        if self.with_lock and self._lock is None:
            with suppress(OSError):  # a folder that cannot be written to: the lease decides
                self._folder.mkdir(exist_ok=True)
                self._lock = _locked(self._file_of(self.worker), create=True)
        if self._lock is not None:
            os.pwrite(self._lock, self.worker.encode(), 0)
        return self._lock is not None

    def wait(self, seconds: float) -> bool:
        """Look at the counter until it has changed."""
        if not self.brings_news:
            self.wait_for(seconds)
            return False
        if self._writes is not None:
            return self._listen(self._writes, seconds)
        for _ in range(max(1, round(seconds / _LOOK_EVERY_SECONDS))):
            self.wait_for(_LOOK_EVERY_SECONDS)
            if self._may_have_changed() and self._has_changed():
                return True
        return False

    def _listen(self, writes: FileWatch, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        # Not for ever: somebody may write for minutes before there is a commit.
        while (left := deadline - time.monotonic()) > 0 and self.wait_for(left, writes.descriptor):
            self.wait_for(self._heard_at + _BETWEEN_NEWS_SECONDS - time.monotonic())
            writes.drain()
            self._heard_at = time.monotonic()
            for pause_s in _PAUSES_SECONDS:
                self.wait_for(pause_s)
                if self._has_changed():
                    return True
        return self._has_changed()

    def find_dead(self) -> set[str]:
        """Try each worker's lock."""
        if self._lock is None:
            return set()
        if self._watch is None:
            self._watch = _locked(self._folder / _WATCH, create=True)
        if self._watch is None:
            return set()
        dead: set[str] = set()
        for name in os.listdir(self._folder):  # noqa: PTH208  # at half the price
            if name not in (_WATCH, self._name):
                dead |= _owner_if_free(self._folder / name)
        return dead

    def forget(self, worker: str) -> None:
        """Remove the dead worker's file."""
        with suppress(OSError):
            self._file_of(worker).unlink()

    def descriptors(self) -> list[int]:
        """Return the locked files."""
        return [one for one in (self._lock, self._watch) if one is not None]

    def close(self) -> None:
        """Let the locks go and remove our file."""
        if self._lock is not None:
            with suppress(OSError):
                self._file_of(self.worker).unlink()
        for descriptor in (self._lock, self._watch):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._watch = None
        if self._writes is not None:
            self._writes.close()
            self._writes = None
        if self._connection is not None:
            connection, self._connection = self._connection, None
            close_own(connection)

    def _file_of(self, worker: str) -> Path:
        return self._folder / _name_for(worker)

    def _may_have_changed(self) -> bool:
        """Ask the file system first: the counter costs ten times as much, in locks."""
        times = []
        for path in self._written:
            with suppress(OSError):
                status = os.stat(path)  # noqa: PTH116  # asked all the time, at half the price
                times.append((status.st_mtime_ns, status.st_size))
        seen, self._seen_times = self._seen_times, times
        newest = max((changed for changed, _ in times), default=0)
        return times != seen or not times or newest > time.time_ns() - _TICK_NS

    def _has_changed(self) -> bool:
        seen, self._seen_version = self._seen_version, self._version()
        return seen != self._seen_version

    def _version(self) -> int:
        assert self._connection is not None
        self._connection.ensure_connection()
        # The bare driver: Django's cursor takes longer than the statement.
        (version,) = self._connection.connection.execute("PRAGMA data_version").fetchone()
        return int(version)


def _name_for(worker: str) -> str:
    return hashlib.sha1(worker.encode(), usedforsecurity=False).hexdigest()


def _locked(path: Path, *, create: bool) -> int | None:
    """Return the descriptor of the file, locked until it is closed, or None if others hold it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between the two somebody may have removed the file: then we hold one without a name.
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except FileNotFoundError:
            if not create:
                os.close(descriptor)
                raise
        os.close(descriptor)


def _owner_if_free(path: Path) -> set[str]:
    """Return the name of the worker that died with this file; nothing while it lives."""
    try:
        descriptor = _locked(path, create=False)
    except FileNotFoundError:
        return set()  # it has stopped just now
    if descriptor is None:
        return set()
    try:
        # Empty: its worker has not written its name yet, or never came to it.
        return set(filter(None, [os.read(descriptor, 256).decode()]))
    finally:
        os.close(descriptor)
