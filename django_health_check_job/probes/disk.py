"""How full is a file system?"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django_health_check_job.probes.base import ProbeResult, Unknown
from django_health_check_job.probes.builtin import BuiltIn, graded

__all__ = ["Disk"]


@dataclass
class Disk(BuiltIn):
    """
    WARN, then DOWN, as a file system fills up: with bytes, or with files.

    Percentages are of what this user may use, as in df; a file system without a fixed number of
    files is judged by its bytes alone.

    Args:
        path: a folder or file on it.
        warn_percent: WARN when so much is used, from 0 to 100.
        down_percent: DOWN when so much is used.
    """

    path: str | Path = "/"
    warn_percent: float = 80
    down_percent: float = 95

    def run(self) -> ProbeResult:
        """Ask the file system."""
        try:
            percent, what = max(self._used())
        except OSError as error:
            raise Unknown(f"{str(self.path)!r} cannot be looked at: {error.strerror}") from error
        state = graded(percent, warn_at=self.warn_percent, down_at=self.down_percent)
        return ProbeResult(state, f"{percent:.1f} % of the {what} used")

    def _used(self) -> Iterator[tuple[float, str]]:
        usage = shutil.disk_usage(self.path)
        # The total counts what only root may use: at 100 % of the rest others get "no space left".
        usable = usage.used + usage.free
        yield (100 * usage.used / usable if usable else 100.0), "space"
        inodes = os.statvfs(self.path)
        taken = inodes.f_files - inodes.f_ffree
        if usable_inodes := taken + inodes.f_favail:
            yield 100 * taken / usable_inodes, "inodes"

    def _check_options(self) -> None:
        self._require(
            0 < self.warn_percent <= self.down_percent <= 100,
            "warn_percent and down_percent must be above 0 and at most 100, in this order",
            (self.warn_percent, self.down_percent),
        )

    def _own_name(self) -> str:
        return f"Disk {self.path}"
