"""Whether the system is what it should be, and the mending of what can be mended safely."""

from django_system_ops.services.validating.findings import (
    CheckReport,
    Finding,
    Fix,
    Inspection,
    Level,
    Outcome,
)
from django_system_ops.services.validating.fixing import Fixed, fix_findings
from django_system_ops.services.validating.registry import Check, all_checks, chosen_checks
from django_system_ops.services.validating.running import validate
from django_system_ops.services.validating.scope import Scope, named_module

__all__ = [
    "Check",
    "CheckReport",
    "Finding",
    "Fix",
    "Fixed",
    "Inspection",
    "Level",
    "Outcome",
    "Scope",
    "all_checks",
    "chosen_checks",
    "fix_findings",
    "named_module",
    "validate",
]
