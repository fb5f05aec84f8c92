"""Disks: there is space, and room for files, where the site writes."""

import os
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import Finding, State, free_space
from django_system_ops.services.health.probes import Probe
from django_system_ops.services.site_directories import nearest_existing, site_directories

__all__ = ["probes"]


def probes(conf: HealthSettings) -> Iterator[Probe]:
    """Yield one for each directory of the site."""
    for name, path in site_directories().items():
        yield Probe("disk", f"disk:{name}", partial(_ask, path, conf))


def _ask(path: Path, conf: HealthSettings, _seconds: float) -> Finding:
    there = nearest_existing(path)
    limits = {"warn_percent": conf.disk_warn_percent, "fail_percent": conf.disk_fail_percent}
    usage = shutil.disk_usage(there)
    space = free_space(100 * usage.free / (usage.total or 1), "of the space", **limits)
    inodes = os.statvfs(there)
    # Btrfs and others have no fixed number of them, and say 0.
    free = 100 * inodes.f_favail / inodes.f_files if inodes.f_files else 100.0
    files = free_space(free, "of the inodes", **limits)
    worse = max(space, files, key=lambda one: one.state.severity)
    gib = f"{usage.free / 2**30:.1f} of {usage.total / 2**30:.1f} GiB free"
    details = (str(there), gib, files.sentence)
    return Finding(worse.state, worse.sentence if worse.state is not State.OK else gib, details)
