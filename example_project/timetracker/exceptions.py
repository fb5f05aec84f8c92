"""
Why a day cannot be saved: one class per rule, with the values that broke it.

The messages are for logs and developers. The page says the same to the employee, in their
language: see ``timetracker.wording``.
"""

from datetime import date

__all__ = [
    "DayTooLongError",
    "DurationError",
    "EditWindowError",
    "EntryError",
    "FutureDateError",
    "InactiveEmployeeError",
    "InactiveTaskError",
    "RepeatedTaskError",
    "TestDataForbiddenError",
    "TimesheetError",
    "TimetrackerError",
]


class TimetrackerError(Exception):
    """The base of what this app raises."""


class TimesheetError(TimetrackerError):
    """A rule of the day: the employee can change the input and save again."""


class FutureDateError(TimesheetError):
    """The day has not begun."""

    def __init__(self, day: date, *, today: date) -> None:
        self.day, self.today = day, today
        super().__init__(
            f"Day {day}: it has not begun, today is {today}. Save it when it has come."
        )


class EditWindowError(TimesheetError):
    """The day is closed. A manager can widen ``TIMETRACKER["EDIT_WINDOW_DAYS"]``."""

    def __init__(self, day: date, *, first_open: date) -> None:
        self.day, self.first_open = day, first_open
        super().__init__(
            f"Day {day}: it is closed, days from {first_open} on are open. "
            "TIMETRACKER['EDIT_WINDOW_DAYS'] says how far back that is."
        )


class InactiveEmployeeError(TimesheetError):
    """The employee books no time any more. An administrator can activate them again."""

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__(
            f"Employee {email!r}: inactive, so no time is booked. "
            "Activate the employee in the admin."
        )


class EntryError(TimesheetError):
    """One entry of the day is at fault: the one on the task ``task_id``, called ``task``."""

    def __init__(self, task_id: int, task: str, message: str) -> None:
        self.task_id, self.task = task_id, task
        super().__init__(f"Task {task!r}: {message}")


class DurationError(EntryError):
    """A duration is not between a minute and a day."""

    def __init__(self, task_id: int, task: str, *, minutes: int) -> None:
        self.minutes = minutes
        super().__init__(
            task_id,
            task,
            f"a duration is 1 to 1440 minutes, got {minutes!r}. "
            "To remove the entry, leave the task out of the day.",
        )


class RepeatedTaskError(EntryError):
    """One task stands twice in the day."""

    def __init__(self, task_id: int, task: str) -> None:
        super().__init__(task_id, task, "it stands more than once in the day. Add the minutes up.")


class InactiveTaskError(EntryError):
    """A task that is closed got new time. Time that stands on it may stay or go."""

    def __init__(self, task_id: int, task: str) -> None:
        super().__init__(task_id, task, "inactive, so it takes no new time. Choose an active task.")


class DayTooLongError(TimesheetError):
    """The entries add up to more than a day has."""

    def __init__(self, day: date, *, total_minutes: int) -> None:
        self.day, self.total_minutes = day, total_minutes
        super().__init__(
            f"Day {day}: the entries add up to {total_minutes!r} minutes and a day has 1440. "
            "Shorten one of them."
        )


class TestDataForbiddenError(TimetrackerError):
    """This is a production site, where an account with a published password is a way in."""

    # pytest collects classes by this prefix.
    __test__ = False

    def __init__(self) -> None:
        super().__init__(
            "Test data is refused while DEBUG is off: its account has a published password. "
            "On a site that nobody else can reach, set TIMETRACKER['ALLOW_TEST_DATA'] to True."
        )
