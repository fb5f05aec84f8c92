"""
Celery's tasks, where its ``autodiscover_tasks`` looks for them.

Without Celery the names are those of Django's Tasks in :mod:`django_system_ops.background`.
"""

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from django_system_ops import background
from django_system_ops.models import CommandRun
from django_system_ops.services.origins import RunOrigin
from django_system_ops.services.schedules.running import run_command, run_scheduled

__all__ = ["run_backup_task", "run_cleanup_task", "run_scheduled_command"]

_CELERY = CommandRun.Source.CELERY

if TYPE_CHECKING or find_spec("celery"):
    from celery import shared_task

    @shared_task  # type: ignore[untyped-decorator]  # Celery has no types
    def run_cleanup_task() -> dict[str, Any]:
        """Remove what is older than 30 days."""
        return run_command("cleanup_old_data", origin=RunOrigin(_CELERY), days=30)

    @shared_task  # type: ignore[untyped-decorator]  # Celery has no types
    def run_backup_task() -> dict[str, Any]:
        """Back up everything."""
        return run_command("backup_data", origin=RunOrigin(_CELERY), tenant="all")

    @shared_task  # type: ignore[untyped-decorator]  # Celery has no types
    def run_scheduled_command(name: str) -> dict[str, Any]:
        """Run a command of ``MANAGEMENT_COMMANDS["schedule"]``."""
        return run_scheduled(name, source=_CELERY)
else:
    run_cleanup_task = background.run_cleanup_task
    run_backup_task = background.run_backup_task
    run_scheduled_command = background.run_scheduled_command
