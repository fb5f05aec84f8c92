"""
Old files in a directory, and never anything outside of it.

Every step is taken from an open directory to a name in it, without following links: who swaps a
directory for a link meanwhile leads nowhere. Only plain files go, and directories that are empty
then; links, sockets and what is on another file system stay.
"""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase

from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.cleanup import fitting
from django_system_ops.services.cleanup.kinds import FolderKind
from django_system_ops.services.cleanup.tally import Tally

__all__ = ["clean_folder"]

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Each level holds a descriptor open, of which a process has a thousand or so.
_DEEPEST = 100
_ASK_EVERY = 100


@dataclass
class _Sweep:
    kind: FolderKind
    cutoff: float
    dry_run: bool
    goes_on: Callable[[], bool]
    device: int
    tally: Tally
    seen: int = 0
    has_stopped: bool = False

    def may_go_on(self) -> bool:
        self.seen += 1
        if not self.has_stopped and self.seen % _ASK_EVERY == 1:
            self.has_stopped = not self.goes_on()
        return not self.has_stopped

    def sweep(self, descriptor: int, place: str, depth: int) -> bool:
        """Remove what is old in an open directory; return whether nothing is left in it."""
        is_empty = True
        with os.scandir(descriptor) as entries:
            for entry in entries:
                if not self.may_go_on():
                    return False
                name = os.path.join(place, entry.name)  # noqa: PTH118  # a name, not a path
                try:
                    facts = entry.stat(follow_symlinks=False)
                    is_gone = self._take(descriptor, entry.name, name, facts, depth)
                except FileNotFoundError:
                    continue  # somebody else was quicker
                except OSError as error:
                    self.tally.fail(name, error.strerror or error)
                    is_gone = False
                is_empty = is_empty and is_gone
        return is_empty

    def _take(self, parent: int, entry: str, name: str, facts: os.stat_result, depth: int) -> bool:
        """Remove an entry if it is old; return whether it is gone."""
        if stat.S_ISDIR(facts.st_mode):
            return self._descend(parent, entry, name, facts, depth)
        if not stat.S_ISREG(facts.st_mode) or facts.st_mtime >= self.cutoff:
            return False
        if not any(fnmatchcase(entry, pattern) for pattern in self.kind.patterns):
            return False
        if not self.dry_run:
            os.unlink(entry, dir_fd=parent)  # a name in an open directory
        self.tally.files += 1
        # One name of several frees nothing.
        self.tally.bytes += facts.st_size if facts.st_nlink == 1 else 0
        return True

    def _descend(
        self, parent: int, entry: str, name: str, facts: os.stat_result, depth: int
    ) -> bool:
        if depth >= _DEEPEST:
            self.tally.fail(name, f"deeper than {_DEEPEST} directories")
            return False
        descriptor = os.open(entry, _OPEN, dir_fd=parent)
        try:
            inside = os.fstat(descriptor)
            if inside.st_dev != self.device:
                return False
            # Its age is that from before: it gets younger with each file that goes.
            is_old = inside.st_mtime < self.cutoff and facts.st_mtime < self.cutoff
            is_empty = self.sweep(descriptor, name, depth + 1)
        finally:
            os.close(descriptor)
        if not (is_old and is_empty):
            return False
        if not self.dry_run:
            try:
                os.rmdir(entry, dir_fd=parent)  # a name in an open directory
            except OSError:
                # Something came into it, or it is another by now.
                return False
        self.tally.directories += 1
        return True


def clean_folder(
    kind: FolderKind, *, cutoff: float, dry_run: bool, goes_on: Callable[[], bool]
) -> Tally:
    """
    Remove the files that were last written before ``cutoff``, in seconds since 1970.

    Files that cannot be removed are counted and named, and the next one comes.

    Raises:
        SystemOpsError: it is no directory, or one in which nothing may be removed.
    """
    tally = Tally()
    if danger := fitting.danger_of(kind.directory):
        raise SystemOpsError(f"{kind.directory} is not cleaned: {danger}.")
    try:
        descriptor = os.open(kind.directory, _OPEN)
    except FileNotFoundError:
        return tally  # nothing was ever put there
    except OSError as error:
        raise SystemOpsError(f"{kind.directory} cannot be read: {error.strerror}.") from error
    try:
        device = os.fstat(descriptor).st_dev
        _Sweep(kind, cutoff, dry_run, goes_on, device, tally).sweep(descriptor, "", 1)
    finally:
        with suppress(OSError):
            os.close(descriptor)
    return tally
