"""
Whether the services that a site stands on answer.

:func:`check_health` asks them; a site's own checks return a :class:`Finding`, or raise.
"""

from django_system_ops.engine.findings import CheckResult, Finding, State
from django_system_ops.services.health.checking import HealthReport, check_health, service_names
from django_system_ops.services.health.running import unfinished

__all__ = [
    "CheckResult",
    "Finding",
    "HealthReport",
    "State",
    "check_health",
    "service_names",
    "unfinished",
]
