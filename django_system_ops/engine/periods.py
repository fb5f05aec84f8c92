"""Periods of the calendar: a day, a week, a month, a quarter, a year, or some days in a row."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

__all__ = ["KINDS", "Period", "last_whole", "period_named", "start_of"]

#: The words for the last whole period before today, and the kind of each.
KINDS = {
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "yearly": "year",
}

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}

_DAY = r"\d{4}-\d{2}-\d{2}"
_FORMS = {
    "year": r"(\d{4})",
    "quarter": r"(\d{4})-Q([1-4])",
    "month": r"(\d{4})-(\d{2})",
    "week": r"(\d{4})-W(\d{2})",
    "day": rf"({_DAY})",
    "range": rf"({_DAY})\.\.({_DAY})",
}


@dataclass(frozen=True)
class Period:
    """
    Whole days in a row.

    Attributes:
        kind: ``day``, ``week`` (ISO 8601: from Monday on), ``month``, ``quarter``, ``year`` or
            ``range``.
        first: the first day.
        end: the day after the last one.
    """

    kind: str
    first: date
    end: date

    @property
    def last(self) -> date:
        """Return the last day."""
        return self.end - timedelta(days=1)

    @property
    def name(self) -> str:
        """Return what :func:`period_named` understands, and a file may be called."""
        return _name(self.kind, self.first, self.last)

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """
        Return the moments at which the period starts, and at which the next one does.

        A day begins with the first moment that bears its date, be it one o'clock where midnight
        is left out: the day may have 23 or 25 hours.
        """
        return _midnight(self.first, zone), _midnight(self.end, zone)

    def previous(self) -> "Period":
        """
        Return the one before: of the same kind, or for a range of as many days.

        Raises:
            ValueError: there is no calendar that far back.
        """
        try:
            before = self.first - timedelta(days=1)
            if self.kind != "range":
                return Period(self.kind, start_of(self.kind, before), self.first)
            return Period("range", self.first - (self.end - self.first), self.first)
        except OverflowError:
            raise ValueError(f"there is no calendar before {self.first}") from None

    def parts(self, kind: str) -> Iterator["Period"]:
        """
        Yield the days, weeks, months, quarters or years that the period touches, in order.

        The first and the last are whole even where the period is not.
        """
        first = start_of(kind, self.first)
        while first < self.end:
            end = _following(kind, first)
            yield Period(kind, first, end)
            first = end


def last_whole(kind: str, today: date) -> Period:
    """Return the last day, week, month, quarter or year that was over before ``today`` began."""
    end = start_of(kind, today)
    return Period(kind, start_of(kind, end - timedelta(days=1)), end)


def period_named(text: str) -> Period:
    """
    Return the period that a text such as ``2026-10`` names.

    Args:
        text: ``2026``, ``2026-Q3``, ``2026-10``, ``2026-W40`` (ISO 8601), ``2026-10-05``, or
            ``2026-10-01..2026-10-15`` with both days in it.

    Raises:
        ValueError: it is none of these, or no such day is in the calendar.
    """
    for kind, form in _FORMS.items():
        if found := re.fullmatch(form, text, re.ASCII):
            try:
                first, end = _days_of(kind, found.groups())
            except OverflowError:
                raise ValueError(f"{text!r} is beyond the calendar") from None
            if end <= first:
                raise ValueError(f"{text!r} ends before it begins")
            return Period(kind, first, end)
    raise ValueError(f"{text!r} is no period")


def start_of(kind: str, day: date) -> date:
    """Return the first day of the day, week, month, quarter or year that ``day`` is in."""
    if kind == "week":
        return day - timedelta(days=day.weekday())
    if kind == "day":
        return day
    months = _MONTHS[kind]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _days_of(kind: str, found: tuple[str, ...]) -> tuple[date, date]:
    if kind == "range":
        first, last = (date.fromisoformat(one) for one in found)
        return first, last + timedelta(days=1)
    if kind == "day":
        first = date.fromisoformat(found[0])
    elif kind == "week":
        first = date.fromisocalendar(int(found[0]), int(found[1]), 1)
    else:
        number = int(found[1]) if len(found) > 1 else 1
        first = date(int(found[0]), (number - 1) * _MONTHS[kind] + 1, 1)
    return first, _following(kind, first)


def _following(kind: str, first: date) -> date:
    if kind in _DAYS:
        return first + timedelta(days=_DAYS[kind])
    month = first.month - 1 + _MONTHS[kind]
    year = first.year + month // 12
    if year > date.max.year:
        raise OverflowError(f"no year {year}")
    return date(year, month % 12 + 1, 1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    # fold=0 is the first of two midnights; where there is none it is the moment of the change.
    return datetime.combine(day, time.min, tzinfo=zone)


def _name(kind: str, first: date, last: date) -> str:
    year = f"{first.year:04}"
    if kind == "week":
        iso = first.isocalendar()
        return f"{iso.year:04}-W{iso.week:02}"
    names = {
        "day": first.isoformat(),
        "month": f"{year}-{first.month:02}",
        "quarter": f"{year}-Q{(first.month + 2) // 3}",
        "year": year,
    }
    return names.get(kind, f"{first.isoformat()}..{last.isoformat()}")
