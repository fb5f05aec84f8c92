"""A scheduled command as a program: its words and its environment."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from django_system_ops.conf.schedule import ScheduledCommand
from django_system_ops.models import CommandRun
from django_system_ops.services.origins import RunOrigin, environment_of

__all__ = ["environment_for", "scheduled_origin", "words_for", "working_directory"]


def words_for(scheduled: ScheduledCommand) -> Sequence[str]:
    """Return the command line: this Python, the site's manage.py where there is one."""
    manage = working_directory() / "manage.py"
    program = [str(manage)] if manage.is_file() else ["-m", "django"]
    return [sys.executable, *program, scheduled.command, *scheduled.arguments]


def environment_for(origin: RunOrigin) -> dict[str, str]:
    """Return what the process has to be told: the settings, and where it comes from."""
    module = settings.SETTINGS_MODULE or os.environ.get("DJANGO_SETTINGS_MODULE", "")
    return {"DJANGO_SETTINGS_MODULE": str(module), **environment_of(origin)}


def scheduled_origin(name: str) -> RunOrigin:
    """Return where the runs of a schedule come from."""
    return RunOrigin(CommandRun.Source.SCHEDULE, schedule=name)


def working_directory() -> Path:
    """Return the directory of the site."""
    return Path(getattr(settings, "BASE_DIR", None) or Path.cwd()).absolute()
