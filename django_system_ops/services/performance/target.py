"""One process that is watched: its CPU, memory and open files."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django_system_ops.engine.measuring import Measurement
from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.services.performance.cgroups import Cgroups
from django_system_ops.services.performance.machine import load_psutil, memory_limit, usable_cpus

__all__ = ["Target"]


class Target:
    """
    The process with a number; another that gets the number later is not taken for it.

    Raises:
        WrongUsageError: there is no such process.
    """

    name = "process"

    def __init__(self, pid: int, cgroups: Cgroups | None = None) -> None:
        self._psutil: Any = load_psutil()
        self._cgroups = cgroups or Cgroups()
        try:
            self._process = self._psutil.Process(pid)
        except (self._psutil.Error, ValueError, OverflowError):
            raise WrongUsageError(f"--target-pid {pid}: there is no such process.") from None

    def begin(self) -> None:
        """Take what the first figure of CPU is the difference to."""
        with suppress(self._psutil.Error):
            self._process.cpu_percent()

    def measure(self) -> Iterator[Measurement]:
        """
        Yield the figures as they are now.

        Raises:
            SystemOpsError: it has ended, or may not be looked at.
        """
        psutil = self._psutil
        try:
            if not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE:
                raise SystemOpsError(f"process {self._process.pid} has ended")
            cpus = float(len(usable_cpus(psutil)))
            yield Measurement("process cpu", self._process.cpu_percent() / 100, "CPUs", cpus)
            resident = self._process.memory_info().rss
            limit = memory_limit(psutil, self._cgroups)
            yield Measurement("process memory", resident, "B", limit)
            yield Measurement("process threads", self._process.num_threads())
        except psutil.NoSuchProcess:
            raise SystemOpsError(f"process {self._process.pid} has ended") from None
        except psutil.AccessDenied:
            text = f"process {self._process.pid} is another user's and may not be looked at"
            raise SystemOpsError(text) from None
        # Who may not see these may see the others.
        with suppress(psutil.Error, AttributeError, OSError):
            most = self._process.rlimit(psutil.RLIMIT_NOFILE)[0]
            limited = float(most) if most > 0 else None
            yield Measurement("process files", self._process.num_fds(), "", limited)

    def end(self) -> None:
        """Nothing is held."""
