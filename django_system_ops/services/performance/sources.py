"""Where figures come from."""

from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

from django_system_ops.conf.performance import PerformanceSettings
from django_system_ops.engine.measuring import Measurement
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.performance.databases import Database
from django_system_ops.services.performance.machine import Machine
from django_system_ops.services.performance.target import Target
from django_system_ops.services.performance.urls import Url

__all__ = ["Source", "sources"]


class Source(Protocol):
    """Measures one thing, always in the same thread, which is its own."""

    #: What is away when it fails: ``database``.
    name: str

    def begin(self) -> None:
        """Prepare, once, in that thread."""

    def measure(self) -> Iterator[Measurement]:
        """Yield the figures as they are now; raise when there are none to be had."""

    def end(self) -> None:
        """Let go of what it holds."""


def sources(
    conf: PerformanceSettings, *, database: str, url: str = "", target_pid: int | None = None
) -> list[Source]:
    """
    Return what is to be measured.

    Raises:
        WrongUsageError: there is no such process, or the URL is none.
        SystemOpsError: psutil is missing.
    """
    found: list[Source] = [Machine(), Database(database, conf)]
    if target_pid is not None:
        found.append(Target(target_pid))
    if url:
        _require_http(url)
        limits = {"limit_ms": conf.url_latency_ms, "timeout_seconds": conf.probe_timeout_seconds}
        found.append(Url(url, **limits))
    return found


def _require_http(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_address = is_address and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        # Not shown: it may hold a password.
        raise WrongUsageError("--url has to be an address that begins with https:// or http://.")
