"""What this process has used."""

import resource
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["cpu_seconds", "peak_memory_bytes"]

# getrusage(2) counts kibibytes on Linux and bytes on macOS.
_CHILDREN_BEFORE = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
_UNIT = 1 if sys.platform == "darwin" else 1024


def peak_memory_bytes() -> int:
    """Return the most that the process, or one of the programs that it ran, has had in memory."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    # The system counts a child's memory before it runs its own program: as much as ours then.
    started = children if children > _CHILDREN_BEFORE else 0
    return int(max(_own_peak(), started) * _UNIT)


def _own_peak() -> int:
    with suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            # ru_maxrss has what the launcher of this program had in memory when it forked.
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def cpu_seconds() -> float:
    """Return the CPU time of the process and of the programs that it ran to their end."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
