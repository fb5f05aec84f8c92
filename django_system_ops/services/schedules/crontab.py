"""The schedule as lines of a crontab."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from django_system_ops.conf import get_conf
from django_system_ops.conf.schedule import ScheduledCommand
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.schedules.programs import (
    environment_for,
    scheduled_origin,
    words_for,
    working_directory,
)

__all__ = ["LOCALTIME", "crontab", "is_of_the_machine", "machine_zone"]

_MONTHS = 12

#: What cron goes by. Not the clock of this process, which Django sets to TIME_ZONE.
LOCALTIME = Path("/etc/localtime")


def crontab(schedule: Mapping[str, ScheduledCommand]) -> Iterator[str]:
    """
    Yield the lines.

    Raises:
        WrongUsageError: the schedule's time zone is not the machine's, which is the one of cron.
    """
    zone = get_conf().schedule_zone
    if not is_of_the_machine(zone):
        now = datetime.now(machine_zone()).astimezone(machine_zone())
        raise WrongUsageError(
            f"cron goes by the machine's time zone ({now:%Z, %z} now), and "
            f"the schedule's is {zone.key}. Set MANAGEMENT_COMMANDS['schedule_time_zone'] to the "
            "machine's and write the times in it, or use --format systemd."
        )
    yield f"# Times are those of the machine, {zone.key}."
    for name, scheduled in schedule.items():
        variables = (
            f"{key}={shlex.quote(text)}"
            for key, text in environment_for(scheduled_origin(name)).items()
        )
        folder = shlex.quote(str(working_directory()))
        command = f"cd {folder} && {' '.join(variables)} {shlex.join(words_for(scheduled))}"
        # A percent sign ends the command; see crontab(5).
        escaped = command.replace("%", r"\%")
        yield f"{scheduled.cron} {escaped}"


def machine_zone() -> tzinfo | None:
    """Return the machine's time zone; None, which is this process's own, where it does not say."""
    try:
        with LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return None


def is_of_the_machine(zone: ZoneInfo) -> bool:
    """Return whether the machine's clock shows what clocks of a zone show, for a year from now."""
    machine, now = machine_zone(), datetime.now(tz=UTC)
    moments = (now + timedelta(days=30 * month) for month in range(_MONTHS))
    return all(
        one.astimezone(machine).utcoffset() == one.astimezone(zone).utcoffset() for one in moments
    )
