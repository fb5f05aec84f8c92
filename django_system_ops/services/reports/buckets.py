"""Days, weeks and months of a site's time zone as expressions of a database."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, DateField, DateTimeField, ExpressionWrapper, F, Func, Value, When
from django.db.models.expressions import Expression
from django.db.models.functions import Trunc

__all__ = ["BUCKETS", "bucket_of"]

#: What rows may be grouped by in place of a field.
BUCKETS = ("day", "week", "month", "quarter", "year")

# How SQLite gets to the first day; it knows no quarters.
_MODIFIERS = {
    "day": "",
    "week": ", 'weekday 0', '-6 days'",
    "month": ", 'start of month'",
    "year": ", 'start of year'",
}


def bucket_of(
    path: str,
    kind: str,
    *,
    bounds: tuple[datetime, datetime] | None,
    zone: tzinfo,
    connection: BaseDatabaseWrapper,
) -> Expression:
    """
    Return the first day of the bucket that a date is in.

    Args:
        path: of the date.
        kind: one of BUCKETS.
        bounds: for datetimes: between which moments they are; None for plain dates.
        zone: whose days are meant.
        connection: to the database; one without time zones has the clocks of a zone of its own,
            which is UTC unless DATABASES says otherwise.
    """
    if bounds is None:
        return Trunc(path, kind, output_field=DateField())
    stored = connection.timezone or UTC
    zones = (zone, stored)
    if connection.vendor == "sqlite" and kind in _MODIFIERS:
        # Django's own calls Python for each row, which takes three times as long.
        return _by_offset(path, bounds, zones, lambda offset: _LocalDate(path, kind, offset))
    if connection.vendor == "mysql":
        # MariaDB knows time zones only where somebody has loaded their tables, and gives NULL
        # otherwise. The few offsets that are in force meanwhile need no tables.
        return _by_offset(path, bounds, zones, lambda offset: _moved(path, kind, offset, stored))
    return Trunc(path, kind, output_field=DateField(), tzinfo=zone)


class _LocalDate(Func):
    """The first day of a bucket, as SQLite reckons from what is stored and an offset."""

    # Without fractions of a second: SQLite rounds them, and the last of a day into the next one.
    template = "DATE(SUBSTR(%(expressions)s, 1, 19), '%(seconds)s seconds'%(modifiers)s)"
    output_field = DateField()

    def __init__(self, path: str, kind: str, offset: timedelta) -> None:
        seconds = f"{offset.total_seconds():+.0f}"
        super().__init__(F(path), seconds=seconds, modifiers=_MODIFIERS[kind])


def _moved(path: str, kind: str, offset: timedelta, stored: tzinfo) -> Expression:
    moved: Any = F(path) + Value(offset)
    clock = ExpressionWrapper(moved, output_field=DateTimeField())
    # By way of the day: the week of a datetime would keep its time. What is stored stays as it is
    # in its own zone.
    day = Trunc(clock, "day", output_field=DateField(), tzinfo=stored)
    return Trunc(day, kind, output_field=DateField())


def _by_offset(
    path: str,
    bounds: tuple[datetime, datetime],
    zones: tuple[tzinfo, tzinfo],
    bucket: Callable[[timedelta], Expression],
) -> Expression:
    """Return the bucket by what has to be added to stored clocks to get those of the site."""
    *earlier, (_, last) = _stretches(*bounds, *zones)
    if not earlier:
        return bucket(last)
    cases = [When(**{f"{path}__lt": until}, then=bucket(offset)) for until, offset in earlier]
    return Case(*cases, default=bucket(last), output_field=DateField())


def _stretches(
    start: datetime, end: datetime, zone: tzinfo, stored: tzinfo
) -> Iterator[tuple[datetime, timedelta]]:
    """Yield until when ``zone`` is how far ahead of ``stored``, the last time until ``end``."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)

    def ahead(moment: datetime) -> timedelta:
        return _offset(moment, zone) - _offset(moment, stored)

    offset = ahead(start)
    for moment in sorted({*_changes(start, end, zone), *_changes(start, end, stored)}):
        if (then := ahead(moment)) == offset:
            continue
        # Where stored clocks are put back an hour is there twice; Django reads the first.
        twice = _offset(moment - timedelta(seconds=1), stored) - _offset(moment, stored)
        yield moment + max(twice, timedelta(0)), offset
        offset = then
    yield end, offset


def _changes(start: datetime, end: datetime, zone: tzinfo) -> Iterator[datetime]:
    """Yield the first moment of each offset that comes into force between two moments."""
    moment, offset = start, _offset(start, zone)
    while moment < end:
        # No zone changes its clocks twice within a day and a half.
        following = min(moment + timedelta(hours=36), end)
        if (then := _offset(following, zone)) != offset:
            yield _change(moment, following, zone)
            offset = then
        moment = following


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the first second of the offset that is in force at ``after``."""
    old = _offset(before, zone)
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + timedelta(seconds=middle), zone) == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)
