"""Commands for workers, through Django's Tasks API; see ``tasks`` for Celery's."""

from functools import partial
from typing import Any

from django.db import transaction

from django_opskit.tasks import runs_at_once, task
from django_system_ops.models import CommandRun
from django_system_ops.services.origins import RunOrigin
from django_system_ops.services.schedules.running import run_command, run_scheduled
from django_system_ops.services.starting import launch, launch_beside

__all__ = [
    "run_backup_task",
    "run_cleanup_task",
    "run_queued",
    "run_scheduled_command",
    "start",
]

_TASK = CommandRun.Source.TASK


@task
def run_cleanup_task() -> dict[str, Any]:
    """Remove what is older than 30 days."""
    return run_command("cleanup_old_data", origin=RunOrigin(_TASK), days=30)


@task
def run_backup_task() -> dict[str, Any]:
    """Back up everything."""
    return run_command("backup_data", origin=RunOrigin(_TASK), tenant="all")


@task
def run_scheduled_command(name: str) -> dict[str, Any]:
    """Run a command of ``MANAGEMENT_COMMANDS["schedule"]``."""
    return run_scheduled(name, source=_TASK)


@task
def run_queued(pk: int) -> str:
    """Run a command that somebody asked for in the admin; return its status."""
    return launch(pk)


def start(run: CommandRun) -> None:
    """Have a run that waits started where the site's tasks run, and in no request."""
    if runs_at_once():
        transaction.on_commit(partial(launch_beside, run.pk))
    else:
        # Not before the row is there for whoever takes the task.
        transaction.on_commit(partial(run_queued.enqueue, run.pk), using=run._state.db)
