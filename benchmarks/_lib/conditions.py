"""Under what conditions numbers were measured; without them a number says nothing."""

import os
import platform
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks._lib.contenders import Driver
from benchmarks._lib.databases import server_settings
from benchmarks._lib.peers import MissingError

__all__ = ["tell_conditions"]


def tell_conditions(drivers: Iterable[Driver]) -> None:
    """Print the machine, the load, the servers' settings and the versions."""
    drivers = list(drivers)
    command = " ".join([Path(sys.argv[0]).stem, *sys.argv[1:]])
    one, five, _ = os.getloadavg()
    print(
        f"\nConditions: `python -m benchmarks.{command}`, {time.strftime('%Y-%m-%d')}; "
        f"{os.cpu_count()} cores{_processor()}, {psutil.virtual_memory().total / 2**30:.0f} GiB; "
        f"load {one:.2f} (1 min), {five:.2f} (5 min) at the end; "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}."
    )
    for server in sorted({driver.contender.server for driver in drivers}):
        if server in ("postgresql", "mysql", "sqlite"):
            try:
                settings = server_settings(server)
            except MissingError as reason:
                settings = {"missing": str(reason)}
            facts = ", ".join(f"{name}={value}" for name, value in settings.items())
            print(f"{'mariadb' if server == 'mysql' else server}: {facts}.")
    versions = set()
    for driver in drivers:
        # One that failed has no more to say.
        with suppress(MissingError):
            versions.add(driver.ask("version"))
    print(f"Versions: {'; '.join(sorted(versions))}.")


def _processor() -> str:
    """Return what Linux calls the processor; elsewhere nothing."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f" of {line.partition(':')[2].strip()}"
    return ""
