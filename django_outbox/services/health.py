"""A file that is fresh while a worker works: for liveness probes, which cannot ask a process."""

import os
import time
from pathlib import Path

__all__ = ["HealthFile"]

_EVERY_SECONDS = 1.0


class HealthFile:
    """
    The file ``path``: written when all is well, once a second at most, removed at the end.

    Its age is what counts; it holds the process id and the moment, as Unix time.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        # Beside it, since a rename is atomic within one file system only.
        self._new = self.path.parent / f"{self.path.name}.{os.getpid()}.new"
        self._next_at = 0.0

    def prepare(self) -> None:
        """
        Remove the file that an earlier process left, and try whether one can be written.

        Raises:
            ValueError: it cannot; says why.
        """
        if not self.path.name or self.path.is_dir():
            raise ValueError(f"health-file {str(self.path)!r} is a folder; name a file in it.")
        try:
            self._new.write_text("", encoding="ascii")
            self._new.unlink()
            self.path.unlink(missing_ok=True)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ValueError(
                f"health-file {str(self.path)!r} cannot be written: {reason}."
            ) from error

    def touch(self) -> None:
        """Write the file, unless it was written less than a second ago."""
        now = time.monotonic()
        if now < self._next_at:
            return
        self._next_at = now + _EVERY_SECONDS
        try:
            self._new.write_text(f"{os.getpid()} {time.time():.3f}\n", encoding="ascii")
            self._new.replace(self.path)
        except OSError:
            # A full disk is no reason to stop working: the file grows old, and its reader acts.
            return

    def age_seconds(self) -> float | None:
        """Return how long ago the file was written; None when it is not there."""
        try:
            return max(0.0, time.time() - self.path.stat().st_mtime)
        except OSError:
            return None

    def remove(self) -> None:
        """Take the file away: whoever stopped cleanly is not hanging."""
        for path in (self.path, self._new):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                return
