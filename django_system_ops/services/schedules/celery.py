"""The schedule as entries of Celery's beat."""

from collections.abc import Iterator, Mapping, Sequence

from django_system_ops.conf import get_conf
from django_system_ops.conf.schedule import ScheduledCommand
from django_system_ops.engine.cron import CronTime

__all__ = ["celery_entries"]

_TASK = "django_system_ops.tasks.run_scheduled_command"


def celery_entries(schedule: Mapping[str, ScheduledCommand]) -> Iterator[str]:
    """Yield the lines of a Python module that sets ``CELERY_BEAT_SCHEDULE``."""
    yield f"# The times are of {get_conf().schedule_zone.key}: Celery's timezone has to be that."
    yield "from celery.schedules import crontab"
    yield ""
    yield "CELERY_BEAT_SCHEDULE = {"
    for name, scheduled in schedule.items():
        times = list(_times(scheduled.time))
        for number, time in enumerate(times, 1):
            key = name if len(times) == 1 else f"{name} ({number} of {len(times)})"
            yield f"    {key!r}: {{"
            yield f'        "task": "{_TASK}",'
            yield f'        "schedule": {time},'
            yield f'        "args": [{name!r}],'
            yield "    },"
    yield "}"


def _times(time: CronTime) -> Iterator[str]:
    """Yield the calls of ``crontab``, which wants both days where cron takes either."""
    if time.any_day or time.any_weekday:
        yield _call(time, time.days, time.weekdays)
        return
    yield _call(time, time.days, range(7))
    yield _call(time, range(1, 32), time.weekdays)


def _call(time: CronTime, days: Sequence[int], weekdays: Sequence[int]) -> str:
    fields = {
        "minute": (time.minutes, 60),
        "hour": (time.hours, 24),
        "day_of_month": (days, 31),
        "month_of_year": (time.months, 12),
        "day_of_week": (weekdays, 7),
    }
    words = (
        f'{name}="{",".join(map(str, numbers))}"'
        for name, (numbers, of) in fields.items()
        if len(numbers) != of or name == "minute"
    )
    return f"crontab({', '.join(words)})"
