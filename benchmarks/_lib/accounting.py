"""CPU time and memory of processes: workers with their children, and the servers."""

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.services import MARIADB, POSTGRESQL, RABBITMQ, REDIS, Service

__all__ = ["peak_bytes", "rss_bytes", "server_pid", "tree_seconds"]


def tree_seconds(pids: Iterable[int]) -> float:
    """Return the CPU seconds of processes and all their descendants, ended ones included."""
    total = 0.0
    for process in _with_descendants(pids):
        with suppress(psutil.Error):
            # A child that ended is counted by whoever waited for it.
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def rss_bytes(pid: int) -> int:
    """Return the memory that a process and its descendants hold now."""
    total = 0
    for process in _with_descendants([pid]):
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def peak_bytes(pids: Iterable[int]) -> int:
    """Return the most memory that processes and their living descendants have held."""
    total = 0
    for process in _with_descendants(pids):
        with suppress(psutil.Error, OSError):
            status = Path(f"/proc/{process.pid}/status")
            if status.exists():
                lines = status.read_text().splitlines()
                peak = next(line for line in lines if line.startswith("VmHWM"))
                total += int(peak.split()[1]) * 1024
            else:
                total += process.memory_info().rss
    return total


def server_pid(server: str) -> int | None:
    """Return the process of a server on this machine, or None if it cannot be seen."""
    find: dict[str, tuple[Service, Callable[[psutil.Process], bool]]] = {
        "postgresql": (POSTGRESQL, lambda process: process.name() == "postgres"),
        "mysql": (MARIADB, lambda process: process.name() in ("mariadbd", "mysqld")),
        "redis": (REDIS, lambda process: process.name().startswith("redis-server")),
        "rabbitmq": (RABBITMQ, lambda process: process.name().startswith("beam")),
    }
    if server not in find:
        return None
    service, fits = find[server]
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            port = connection.laddr[1] if len(connection.laddr) == 2 else 0
            if listens and connection.pid and port == service.port:
                process = psutil.Process(connection.pid)
                if fits(process) and _is_local(service.host):
                    return connection.pid
    return None


def _is_local(host: str) -> bool:
    return socket.gethostbyname(host).startswith("127.")


def _with_descendants(pids: Iterable[int]) -> list[psutil.Process]:
    found = []
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            found += [process, *process.children(recursive=True)]
    return found
