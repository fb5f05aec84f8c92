"""The schedule as pairs of a service and a timer for systemd."""

import re
from collections.abc import Mapping, Sequence

from django_system_ops.conf import get_conf
from django_system_ops.conf.schedule import ScheduledCommand
from django_system_ops.engine.cron import CronTime
from django_system_ops.services.schedules.programs import (
    environment_for,
    scheduled_origin,
    words_for,
    working_directory,
)

__all__ = ["systemd_units"]

_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")

_SERVICE = """[Unit]
Description=django-opskit: {name}
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={folder}
{environment}
ExecStart={command}
# Found something, or another run is at work: no failure of the unit.
SuccessExitStatus=3 75
"""

_TIMER = """[Unit]
Description=django-opskit: {name} ({cron})

[Timer]
{times}
Persistent=true
RandomizedDelaySec=0

[Install]
WantedBy=timers.target
"""


def systemd_units(schedule: Mapping[str, ScheduledCommand]) -> dict[str, str]:
    """Return the units by the names of their files."""
    units: dict[str, str] = {}
    for name, scheduled in schedule.items():
        unit = f"opskit-{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}"
        units[f"{unit}.service"] = _SERVICE.format(
            name=_escaped(name),
            folder=_escaped(str(working_directory())),
            environment="\n".join(
                f"Environment={_quoted(f'{key}={text}')}"
                for key, text in environment_for(scheduled_origin(name)).items()
            ),
            command=" ".join(_quoted(word, is_command=True) for word in words_for(scheduled)),
        )
        units[f"{unit}.timer"] = _TIMER.format(
            name=_escaped(name),
            cron=_escaped(scheduled.cron),
            times="\n".join(f"OnCalendar={one}" for one in calendar(scheduled.time)),
        )
    return units


def calendar(time: CronTime) -> Sequence[str]:
    """
    Return a time in the words of systemd.time(7), in the time zone of the schedule.

    Where either the day of the month or the day of the week will do, there are two.
    """
    zone = get_conf().schedule_zone.key
    clock = f"{_listed(time.hours, 24, 2)}:{_listed(time.minutes, 60, 2)}:00 {zone}"
    months = _listed(time.months, 12, 2)
    days = f"*-{months}-{_listed(time.days, 31, 2)}"
    weekdays = ",".join(_DAYS[day] for day in time.weekdays)
    if len(time.weekdays) == len(_DAYS):
        # Each day of the week, one by one, is each day, whatever day of the month it is.
        is_either = not (time.any_day or time.any_weekday)
        return [f"*-{months}-* {clock}" if is_either else f"{days} {clock}"]
    if time.any_day or time.any_weekday:
        return [f"{weekdays} {days} {clock}"]
    return [f"{days} {clock}", f"{weekdays} *-{months}-* {clock}"]


def _listed(numbers: Sequence[int], of: int, width: int) -> str:
    return "*" if len(numbers) == of else ",".join(f"{one:0{width}}" for one in numbers)


def _quoted(word: str, *, is_command: bool = False) -> str:
    """Return a word as systemd.syntax(7) reads it back: quoted, its signs for itself doubled."""
    escaped = _escaped(word).replace("\\", "\\\\").replace('"', '\\"')
    if is_command:
        escaped = escaped.replace("$", "$$")
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    return text.replace("%", "%%").replace("\n", " ")
