"""What the files of control groups say. Source: cgroups(7), and the kernel's cgroup-v2 page."""

__all__ = ["controller_paths", "cpus_of_max", "figures", "levels", "limit_of"]

#: The key of version 2 in :func:`controller_paths`.
UNIFIED = ""


def controller_paths(text: str) -> dict[str, str]:
    """
    Return the group of a process for each controller, from ``/proc/<pid>/cgroup``.

    The one of version 2, which has all controllers, stands under an empty name.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if path.startswith("/") and number.isdecimal():
            found.update(dict.fromkeys(controllers.split(","), path))
    return found


def levels(path: str) -> list[str]:
    """Return a group and all above it, each as a relative path; the root is an empty one."""
    # Inside a namespace a group may lie above what can be seen: "/../other".
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return ["/".join(parts[:length]) for length in range(len(parts), -1, -1)]


def limit_of(text: str) -> int | None:
    """Return a limit in bytes; None for ``max``, and for -1 and what else is no limit."""
    text = text.strip()
    if not text.isdecimal():
        return None
    # Version 1 has no word for "unlimited": it says the highest number of pages.
    number = int(text)
    return number if number < 2**62 else None


def figures(text: str) -> dict[str, int]:
    """Return the lines ``name number`` of a file such as ``memory.stat``."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def cpus_of_max(text: str) -> float | None:
    """Return how many CPUs ``cpu.max`` allows: its quota over its period; None for ``max``."""
    quota, _, period = text.strip().partition(" ")
    if not quota.isdecimal() or not period.isdecimal() or int(period) == 0:
        return None
    return int(quota) / int(period)
