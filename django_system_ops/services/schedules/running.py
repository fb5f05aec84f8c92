"""A scheduled command, run where a task runs."""

from typing import Any

from django.core.management import call_command

from django_opskit.commands import FindingsError
from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.models import CommandRun
from django_system_ops.services.origins import RunOrigin, started_from

__all__ = ["run_command", "run_scheduled"]


def run_scheduled(name: str, *, source: str = CommandRun.Source.SCHEDULE) -> dict[str, Any]:
    """
    Run the command of a schedule, as :func:`run_command` does.

    Raises:
        WrongUsageError: the setting has no such schedule.
    """
    schedule = get_conf().schedule
    if name not in schedule:
        known = ", ".join(schedule) or "none"
        raise WrongUsageError(f"MANAGEMENT_COMMANDS['schedule'] has no {name!r}; it has: {known}.")
    scheduled = schedule[name]
    origin = RunOrigin(source, schedule=name)
    return run_command(scheduled.command, *scheduled.arguments, origin=origin)


def run_command(name: str, *arguments: str, origin: RunOrigin, **options: Any) -> dict[str, Any]:
    """
    Run a command in this process; return its name and exit status, 0 or 3.

    What it found or refused is no failure: the work is done, and its history says what.

    Raises:
        CommandError: it failed, or another run holds its lock.
    """
    with started_from(origin):
        try:
            call_command(name, *arguments, **options)
        except FindingsError as findings:
            return {"command": name, "exit_status": findings.returncode, "findings": str(findings)}
    return {"command": name, "exit_status": 0}
