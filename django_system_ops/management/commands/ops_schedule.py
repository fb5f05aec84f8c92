"""Write the schedule of the setting for cron, systemd or Celery, or say what is overdue."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_opskit.commands import FindingsError, UsageError
from django_system_ops.conf import get_conf
from django_system_ops.conf.schedule import ScheduledCommand
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services import history
from django_system_ops.services.schedules import (
    celery_entries,
    crontab,
    systemd_units,
    tell_overdue,
)

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``ops_schedule``: see its help."""

    help = (
        "Write MANAGEMENT_COMMANDS['schedule'] as lines of a crontab, as units of systemd or as "
        "entries of Celery's beat. With --check: say which schedules have not succeeded in time, "
        "tell those who want to know, and end with 3 if there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--format", choices=["crontab", "systemd", "celery"], default="crontab")
        parser.add_argument(
            "--output", metavar="DIR", type=Path, help="Write the units of systemd into it."
        )
        parser.add_argument("--check", action="store_true", help="Say what is overdue.")

    def perform(
        self, *, format: str, output: Path | None = None, check: bool = False, **options: Any
    ) -> None:
        """Write it, or look."""
        schedule = dict(get_conf().schedule)
        if not schedule:
            raise UsageError(
                "MANAGEMENT_COMMANDS['schedule'] is empty. Write, for example, {'nightly': "
                "{'command': 'backup_data', 'cron': '0 2 * * *'}}."
            )
        if check:
            self._check()
        elif format == "systemd":
            self._units(schedule, output)
        else:
            write = crontab if format == "crontab" else celery_entries
            lines = list(write(schedule))
            self.result({"format": format, "lines": lines}, *lines)

    def _units(self, schedule: dict[str, ScheduledCommand], output: Path | None) -> None:
        units = systemd_units(schedule)
        if output is None:
            lines = [f"# {name}\n{text}" for name, text in units.items()]
            self.result({"format": "systemd", "units": units}, *lines)
            return
        output.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            part = output / f".{name}.part"
            part.write_text(text, "utf-8")
            os.replace(part, output / name)  # noqa: PTH105  # whole or not at all
        timers = " ".join(name for name in units if name.endswith(".timer"))
        self.result(
            {"format": "systemd", "directory": output, "files": sorted(units)},
            f"Wrote {len(units)} units into {output}.",
            f"Then: systemctl daemon-reload && systemctl enable --now {timers}",
        )

    def _check(self) -> None:
        using = get_conf().history.database
        history.tidy(using=using)
        found = tell_overdue(timezone.now(), using=using)
        overdue = [one for one in found if one.is_overdue]
        self.counters = {"schedules": len(found), "overdue": len(overdue)}
        self.result(
            {
                "schedules": [
                    {
                        "name": one.name,
                        "command": one.command,
                        "due_at": one.due_at,
                        "succeeded_at": one.succeeded_at,
                        "is_overdue": one.is_overdue,
                    }
                    for one in found
                ]
            },
            *(one.sentence for one in found),
        )
        if overdue:
            raise FindingsError(
                f"{len(overdue)} of {len(found)} schedules have not succeeded in time."
            )
