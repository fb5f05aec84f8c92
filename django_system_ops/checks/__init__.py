"""System checks of django_system_ops; ``CHECKS`` are those that the app registers."""

from collections.abc import Callable, Sequence

from django.core.checks import CheckMessage

from django_system_ops.checks.admin import check_admin_allow
from django_system_ops.checks.backup import check_backup
from django_system_ops.checks.cleanup import check_cleanup
from django_system_ops.checks.data import check_data
from django_system_ops.checks.exporting import check_exports
from django_system_ops.checks.health import check_health_command, check_health_settings
from django_system_ops.checks.importing import check_importing
from django_system_ops.checks.knowledge import check_knowledge_base
from django_system_ops.checks.reports import check_reports
from django_system_ops.checks.schedule import check_schedule
from django_system_ops.checks.seeding import check_seeding
from django_system_ops.checks.sentiment import check_sentiment
from django_system_ops.checks.settings import check_settings
from django_system_ops.checks.site import check_time_zones
from django_system_ops.checks.tenant_moves import check_tenant_moves
from django_system_ops.checks.validation import check_extra_checks

__all__ = ["CHECKS"]

CHECKS: tuple[Callable[..., Sequence[CheckMessage]], ...] = (
    check_settings,
    check_time_zones,
    check_admin_allow,
    check_schedule,
    check_backup,
    check_cleanup,
    check_data,
    check_exports,
    check_extra_checks,
    check_tenant_moves,
    check_health_command,
    check_health_settings,
    check_importing,
    check_sentiment,
    check_knowledge_base,
    check_reports,
    check_seeding,
)
