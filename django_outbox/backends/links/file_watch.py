"""What Linux tells of writes to a file (inotify), for whoever would have to look all the time."""

import ctypes
import ctypes.util
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

__all__ = ["FileWatch"]

# From <sys/inotify.h>; the same on every architecture.
_IN_MODIFY = 0x02
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC


class FileWatch:
    """
    A descriptor that can be read from when one of ``paths`` was written to.

    Raises:
        OSError: this system has no such thing, or the user has no more of it left.

    Source: inotify(7). There is no event for what is written through a memory map.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        libc = _libc()
        self.descriptor: int = libc.inotify_init1(_FLAGS)
        if self.descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        watched = [
            libc.inotify_add_watch(self.descriptor, os.fsencode(path), _IN_MODIFY) >= 0
            for path in paths
        ]
        if not any(watched):
            self.close()
            raise OSError(ctypes.get_errno(), "inotify_add_watch")

    def drain(self) -> None:
        """Take what there is to read: that it came is all that it says."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 65_536)

    def close(self) -> None:
        """Watch no longer."""
        os.close(self.descriptor)


@cache
def _libc() -> ctypes.CDLL:
    if not sys.platform.startswith("linux"):
        raise OSError("inotify is Linux's")
    return ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
