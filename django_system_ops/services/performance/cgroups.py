"""
The limits of the container that this process is in.

A host of 64 GB says nothing to a container that is killed at 512 MB. Limits hold on every level
above a process too, so each level that has one is looked at. Version 2 of control groups is read,
and version 1, whose controllers may each be in another group.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django_system_ops.engine.cgroup_files import (
    UNIFIED,
    controller_paths,
    cpus_of_max,
    figures,
    levels,
    limit_of,
)

__all__ = ["Cgroups", "CpuQuota", "Usage"]


@dataclass(frozen=True)
class Usage:
    """So many bytes of so many."""

    used: int
    limit: int


@dataclass(frozen=True)
class CpuQuota:
    """What a level has used since it began, in seconds of one CPU, and how many it may use."""

    level: str
    used_seconds: float
    cpus: float


class Cgroups:
    """
    The control groups of this process, read anew each time.

    Args:
        root: where ``proc`` and ``sys`` are.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._proc = root / "proc/self/cgroup"
        self._mount = root / "sys/fs/cgroup"

    def memory(self) -> list[Usage]:
        """Return what each level with a limit uses, without the page cache that could go."""
        found = []
        for group in self._groups("memory"):
            names = ("memory.current", "memory.max") if group.is_v2 else _V1_MEMORY
            used, limit = group.number(names[0]), group.limit(names[1])
            if used is not None and limit:
                stat = figures(group.text("memory.stat"))
                idle = stat.get("inactive_file" if group.is_v2 else "total_inactive_file", 0)
                found.append(Usage(max(0, used - idle), limit))
        return found

    def swap(self) -> list[Usage]:
        """Return the swap that each level with a limit of it uses."""
        found = []
        for group in self._groups("memory"):
            if group.is_v2:
                used, limit = group.number("memory.swap.current"), group.limit("memory.swap.max")
            else:
                used, limit = _v1_swap(group)
            if used is not None and limit:
                found.append(Usage(max(0, used), limit))
        return found

    def cpu(self) -> list[CpuQuota]:
        """Return what each level with a quota has used."""
        accounts = {group.level: group for group in self._groups("cpuacct")}
        found = []
        for group in self._groups("cpu"):
            if group.is_v2:
                cpus = cpus_of_max(group.text("cpu.max"))
                used, unit = figures(group.text("cpu.stat")).get("usage_usec"), 1e-6
            else:
                quota, period = (group.text(f"cpu.cfs_{one}_us") for one in ("quota", "period"))
                cpus = cpus_of_max(f"{quota.strip()} {period.strip()}")
                used, unit = accounts.get(group.level, group).number("cpuacct.usage"), 1e-9
            if cpus and used is not None:
                found.append(CpuQuota(group.level, used * unit, cpus))
        return found

    def _groups(self, controller: str) -> Iterator["_Group"]:
        """Yield the group of the process, and all above it."""
        paths = controller_paths(_text(self._proc))
        is_v2 = controller not in paths
        mount = self._mount / ("" if is_v2 else controller)
        if is_v2 and (self._mount / "unified").is_dir():
            mount = self._mount / "unified"  # beside groups of version 1
        for level in levels(paths.get(UNIFIED if is_v2 else controller, "/")):
            # In a container the host's path need not be there: its own group is the root then.
            if (mount / level).is_dir():
                yield _Group(level, mount / level, is_v2)


@dataclass(frozen=True)
class _Group:
    level: str
    directory: Path
    is_v2: bool

    def text(self, name: str) -> str:
        return _text(self.directory / name)

    def number(self, name: str) -> int | None:
        text = self.text(name).strip()
        return int(text) if text.isdecimal() else None

    def limit(self, name: str) -> int | None:
        return limit_of(self.text(name))


_V1_MEMORY = ("memory.usage_in_bytes", "memory.limit_in_bytes")


def _v1_swap(group: _Group) -> tuple[int | None, int | None]:
    # Version 1 counts memory and swap together, and has the limit for the sum.
    both, memory = group.number("memory.memsw.usage_in_bytes"), group.number(_V1_MEMORY[0])
    both_limit, limit = group.limit("memory.memsw.limit_in_bytes"), group.limit(_V1_MEMORY[1])
    if both is None or memory is None or both_limit is None or limit is None:
        return None, None
    return both - memory, both_limit - limit


def _text(path: Path) -> str:
    with suppress(OSError):  # not here, or not for us: then there is nothing to respect
        return path.read_text(encoding="ascii", errors="replace")
    return ""
