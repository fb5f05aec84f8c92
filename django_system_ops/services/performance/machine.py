"""The machine, or as much of it as this container may use."""

import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from django_system_ops.engine.measuring import Measurement
from django_system_ops.exceptions import SystemOpsError
from django_system_ops.services.performance.cgroups import Cgroups
from django_system_ops.services.site_directories import nearest_existing, site_directories

__all__ = ["Machine", "load_psutil", "memory_limit", "usable_cpus"]


def load_psutil() -> ModuleType:
    """
    Return psutil.

    Raises:
        SystemOpsError: it is not installed.
    """
    try:
        import psutil
    except ImportError as error:
        raise SystemOpsError(
            'psutil is missing: pip install "django-opskit[system-ops]".'
        ) from error
    module: ModuleType = psutil
    return module


def usable_cpus(psutil: Any) -> list[int]:
    """Return the numbers of the CPUs that this process may run on."""
    everything = list(range(psutil.cpu_count() or 1))
    process = psutil.Process()
    # macOS knows no affinity.
    return list(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else everything


def memory_limit(psutil: Any, cgroups: Cgroups) -> int:
    """Return how much memory there is for this process: the host's, or the tightest limit."""
    total: int = psutil.virtual_memory().total
    return min([total, *(usage.limit for usage in cgroups.memory())])


class Machine:
    """CPU, memory, swap, disks and load; where limits of a container are tighter, against those."""

    name = "machine"

    def __init__(self, cgroups: Cgroups | None = None) -> None:
        self._psutil: Any = load_psutil()
        self._cgroups = cgroups or Cgroups()
        # What each quota had used, and when.
        self._before: dict[str, tuple[float, float]] = {}

    def begin(self) -> None:
        """Take what the first figures are the difference to."""
        self._psutil.cpu_percent(percpu=True)
        list(self._quotas())

    def measure(self) -> Iterator[Measurement]:
        """Yield the figures as they are now."""
        yield self._cpu()
        yield self._memory()
        yield from self._swap()
        yield from self._disks()
        yield Measurement("load", self._psutil.getloadavg()[0])

    def end(self) -> None:
        """Nothing is held."""

    def _cpu(self) -> Measurement:
        shares = self._psutil.cpu_percent(percpu=True)
        mine = [shares[number] for number in usable_cpus(self._psutil) if number < len(shares)]
        whole = Measurement("cpu", sum(mine) / 100, "CPUs", float(len(mine)))
        return _tightest([whole, *self._quotas()])

    def _quotas(self) -> Iterator[Measurement]:
        now = time.monotonic()
        for quota in self._cgroups.cpu():
            used, at = self._before.get(quota.level, (quota.used_seconds, now))
            self._before[quota.level] = (quota.used_seconds, now)
            if now > at:
                rate = max(0.0, quota.used_seconds - used) / (now - at)
                yield Measurement("cpu", rate, "CPUs", quota.cpus)

    def _memory(self) -> Measurement:
        host = self._psutil.virtual_memory()
        whole = Measurement("memory", host.total - host.available, "B", host.total)
        groups = self._cgroups.memory()
        return _tightest(
            [whole, *(Measurement("memory", one.used, "B", one.limit) for one in groups)]
        )

    def _swap(self) -> Iterator[Measurement]:
        host = self._psutil.swap_memory()
        found = [Measurement("swap", one.used, "B", one.limit) for one in self._cgroups.swap()]
        if host.total:
            found.append(Measurement("swap", host.used, "B", host.total))
            yield _tightest(found)

    def _disks(self) -> Iterator[Measurement]:
        seen = set()
        for name, path in site_directories().items():
            there = nearest_existing(path)
            device = there.stat().st_dev
            if device not in seen:
                usage = self._psutil.disk_usage(str(there))
                # What root alone may use is not there for a site.
                yield Measurement(f"disk {name}", usage.used, "B", usage.used + usage.free)
                seen.add(device)


def _tightest(candidates: list[Measurement]) -> Measurement:
    """Return the one that is nearest to its limit: that limit is the one that will be felt."""
    return max(candidates, key=lambda one: one.percent or 0)
