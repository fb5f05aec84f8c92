"""
Health checks: what can be run, and where they are found.

A probe is anything with the attributes of :class:`~django_health_check_job.probes.base.Probe`.
Those of this app are imported when they are first asked for: a site that registers a check in
``AppConfig.ready()`` does not load them all.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from django_health_check_job.probes.base import Down, Probe, ProbeResult, Unknown, Warn
from django_health_check_job.probes.registry import register

if TYPE_CHECKING:
    from django_health_check_job.probes.backlog import Backlog
    from django_health_check_job.probes.cache import Cache
    from django_health_check_job.probes.database import Database
    from django_health_check_job.probes.discovery import Discovery, DiscoveryProblem, discover
    from django_health_check_job.probes.disk import Disk
    from django_health_check_job.probes.dns import DNS
    from django_health_check_job.probes.function import FunctionProbe
    from django_health_check_job.probes.health_check import HealthCheckProbe
    from django_health_check_job.probes.http import HTTP
    from django_health_check_job.probes.migrations import Migrations
    from django_health_check_job.probes.sender import SenderSilence
    from django_health_check_job.probes.spec import CheckSpec
    from django_health_check_job.probes.tcp import TCP
    from django_health_check_job.probes.tls import TLSExpiry

__all__ = [
    "DNS",
    "HTTP",
    "TCP",
    "Backlog",
    "Cache",
    "CheckSpec",
    "Database",
    "Discovery",
    "DiscoveryProblem",
    "Disk",
    "Down",
    "FunctionProbe",
    "HealthCheckProbe",
    "Migrations",
    "Probe",
    "ProbeResult",
    "SenderSilence",
    "TLSExpiry",
    "Unknown",
    "Warn",
    "discover",
    "register",
]

_MODULES = {
    "Backlog": "backlog",
    "Cache": "cache",
    "CheckSpec": "spec",
    "DNS": "dns",
    "Database": "database",
    "Discovery": "discovery",
    "DiscoveryProblem": "discovery",
    "Disk": "disk",
    "FunctionProbe": "function",
    "HTTP": "http",
    "HealthCheckProbe": "health_check",
    "Migrations": "migrations",
    "SenderSilence": "sender",
    "TCP": "tcp",
    "TLSExpiry": "tls",
    "discover": "discovery",
}


def __getattr__(name: str) -> object:
    """Import what is asked for by its name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
