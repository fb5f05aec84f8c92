"""What the pages tell an employee about a saved or refused day, in their language."""

from functools import singledispatch

from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from timetracker.durations import hours_minutes
from timetracker.exceptions import (
    DayTooLongError,
    DurationError,
    EditWindowError,
    FutureDateError,
    InactiveEmployeeError,
    InactiveTaskError,
    RepeatedTaskError,
    TimesheetError,
)
from timetracker.services import SavedDay

__all__ = ["explain", "saved"]


def saved(day: SavedDay) -> str:
    """Return the sentence that confirms a saved day."""
    count = day.added + day.changed + day.unchanged
    text = ngettext(
        "%(date)s is saved: %(count)d entry, %(hours)s.",
        "%(date)s is saved: %(count)d entries, %(hours)s.",
        count,
    )
    return text % {
        "date": date_format(day.date),
        "count": count,
        "hours": hours_minutes(day.total_minutes),
    }


@singledispatch
def explain(error: TimesheetError) -> str:
    """Return what is wrong with the day, and what to do about it."""
    return str(error)


@explain.register
def _future(error: FutureDateError) -> str:
    return gettext("This day has not begun. Time can be booked up to today, %(today)s.") % {
        "today": date_format(error.today)
    }


@explain.register
def _closed(error: EditWindowError) -> str:
    return gettext("This day is closed. Days from %(first_open)s on can be changed.") % {
        "first_open": date_format(error.first_open)
    }


@explain.register
def _inactive_employee(error: InactiveEmployeeError) -> str:
    return gettext("%(email)s is not active and books no time. Ask an administrator for help.") % {
        "email": error.email
    }


@explain.register
def _duration(error: DurationError) -> str:
    return gettext("“%(task)s” has %(minutes)d minutes. Enter 1 to 1440, or remove the entry.") % {
        "task": error.task,
        "minutes": error.minutes,
    }


@explain.register
def _repeated(error: RepeatedTaskError) -> str:
    return gettext("“%(task)s” stands more than once in the day. Add its minutes up.") % {
        "task": error.task
    }


@explain.register
def _inactive_task(error: InactiveTaskError) -> str:
    return gettext("“%(task)s” is closed and takes no new time. Choose another task.") % {
        "task": error.task
    }


@explain.register
def _too_long(error: DayTooLongError) -> str:
    return gettext("The entries add up to %(total)s, and a day has 24:00. Shorten one of them.") % {
        "total": hours_minutes(error.total_minutes)
    }
