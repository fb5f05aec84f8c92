"""
The five fields of cron: when a command is due.

Source: crontab(5). When both the day of the month and the day of the week are restricted, either
of them will do; a field that begins with ``*`` restricts nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

__all__ = ["CronTime"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
# The 29th of February may be eight years away.
_LONGEST_SEARCH = timedelta(days=8 * 366 + 1)


@dataclass(frozen=True)
class _Field:
    name: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()
    first_name: int = 0


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of the week", 0, 7, _DAYS),
)


@dataclass(frozen=True)
class CronTime:
    """
    Minutes, hours, days and months, each as the sorted numbers that fit.

    Attributes:
        weekdays: 0 is Sunday, 6 is Saturday.
        any_day: the day of the month is not restricted.
        any_weekday: the day of the week is not restricted.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read the five fields, or a nickname such as ``@daily``.

        Raises:
            ValueError: it says which field is wrong and what it may be.
        """
        parts = _NICKNAMES.get(text.strip().lower(), text).split()
        if len(parts) != len(_FIELDS):
            raise ValueError(
                f"{text!r} has {len(parts)} fields and needs 5: minute, hour, day of the month, "
                'month, day of the week, such as "0 2 * * *"'
            )
        minutes, hours, days, months, weekdays = (
            _numbers(part, field) for part, field in zip(parts, _FIELDS, strict=True)
        )
        found = cls(
            minutes,
            hours,
            days,
            months,
            tuple(sorted({day % 7 for day in weekdays})),
            any_day=parts[2].startswith("*"),
            any_weekday=parts[4].startswith("*"),
        )
        if found._never_comes():
            raise ValueError(f"{text!r} never comes: no such month has such a day")
        return found

    def last_before(self, now: datetime) -> datetime:
        """Return the latest moment at or before ``now`` at which it was due, in its time zone."""
        for day in self._days_back(now):
            for hour in reversed(self.hours):
                for minute in reversed(self.minutes):
                    due = _first(datetime.combine(day, time(hour, minute)), now)
                    # By UTC: within one time zone Python compares what the clocks show.
                    if due.astimezone(UTC) <= now.astimezone(UTC):
                        return due
        raise ValueError("It was never due.")

    def _days_back(self, now: datetime) -> Iterator[date]:
        day = now.date()
        last = day - _LONGEST_SEARCH
        while day > last:
            if self._is_day(day):
                yield day
            day -= timedelta(days=1)

    def _is_day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        is_day, is_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return is_day and is_weekday
        return is_day or is_weekday

    def _never_comes(self) -> bool:
        if not self.any_weekday:
            return False
        longest = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
        return min(self.days) > max(longest.get(month, 31) for month in self.months)


def _numbers(text: str, field: _Field) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        span, has_step, step_text = part.partition("/")
        step = _number(step_text, field, part) if has_step else 1
        if has_step and step < 1:
            raise ValueError(f"the {field.name} {part!r} needs a step of 1 or more")
        if span == "*":
            first, last = field.lowest, field.highest
        elif "-" in span:
            first, last = (_named(one, field, part) for one in span.split("-", 1))
        else:
            first = _named(span, field, part)
            last = field.highest if has_step else first
        if not field.lowest <= first <= last <= field.highest:
            raise ValueError(
                f"the {field.name} {part!r} is not within {field.lowest} to {field.highest}"
            )
        found.update(range(first, last + 1, step))
    return tuple(sorted(found))


def _named(text: str, field: _Field, part: str) -> int:
    if text.lower() in field.names:
        return field.names.index(text.lower()) + field.first_name
    return _number(text, field, part)


def _number(text: str, field: _Field, part: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise ValueError(f"the {field.name} {part!r} is no number, range, list or *")
    return int(text)


def _first(clock: datetime, now: datetime) -> datetime:
    """
    Return when the clocks of ``now``'s time zone show it: the first time where they do twice.

    What they skip is taken for the hour that comes in its place, as by cron(8).
    """
    both = (clock.replace(tzinfo=now.tzinfo, fold=fold) for fold in (0, 1))
    return min(both, key=lambda one: one.astimezone(UTC))
