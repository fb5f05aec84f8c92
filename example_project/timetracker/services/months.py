"""A month on one sheet: what was worked each day, and how far its sums are."""

from calendar import Calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Max, Sum, TextChoices
from django.utils.translation import pgettext_lazy

from django_outbox.models import JobStatus, OutboxJob
from timetracker.models import DaySummary, Employee, TimeEntry
from timetracker.services.days import DAY_SAVED, day_key

__all__ = ["DayRow", "MonthSheet", "SumsState", "WeekRow", "month_sheet"]


class SumsState(TextChoices):
    """How far the sums of a day are, told from the latest outbox job for that day."""

    NONE = "none", ""
    WAITING = "waiting", pgettext_lazy("sums of a day", "waiting")
    DONE = "done", pgettext_lazy("sums of a day", "done")
    FAILED = "failed", pgettext_lazy("sums of a day", "failed")


_STATES = {
    JobStatus.PENDING: SumsState.WAITING,
    JobStatus.IN_PROGRESS: SumsState.WAITING,
    JobStatus.COMPLETED: SumsState.DONE,
    JobStatus.FAILED: SumsState.FAILED,
    JobStatus.CANCELLED: SumsState.FAILED,
}


@dataclass(frozen=True)
class DayRow:
    """
    One day. ``minutes`` are the entries as they are now; norm and balance are the computed
    sums, ``None`` until they exist, and while ``state`` is waiting those of an earlier save.
    """

    date: date
    minutes: int
    norm_minutes: int | None
    balance_minutes: int | None
    state: SumsState

    @property
    def is_weekend(self) -> bool:
        """Whether it is a Saturday or a Sunday."""
        return self.date.isoweekday() > 5


@dataclass(frozen=True)
class WeekRow:
    """One week of the calendar, Monday first; ``None`` for a day of another month."""

    number: int
    days: tuple[DayRow | None, ...]
    minutes: int


@dataclass(frozen=True)
class MonthSheet:
    """A calendar month of one employee."""

    first: date
    weeks: tuple[WeekRow, ...]
    minutes: int
    norm_minutes: int
    balance_minutes: int
    waiting: int

    @property
    def weekdays(self) -> tuple[date, ...]:
        """Any Monday to Sunday, to take the names of the weekdays from."""
        return tuple(self.first - timedelta(days=self.first.weekday() - n) for n in range(7))

    @property
    def previous(self) -> date:
        """The first day of the month before."""
        return (self.first - timedelta(days=1)).replace(day=1)

    @property
    def next(self) -> date:
        """The first day of the month after."""
        return (self.first + timedelta(days=31)).replace(day=1)


def month_sheet(employee: Employee, first: date) -> MonthSheet:
    """Return the month that begins on ``first``, read in three queries."""
    calendar = Calendar().monthdatescalendar(first.year, first.month)
    dates = [day for week in calendar for day in week if day.month == first.month]
    minutes = _minutes(employee, dates)
    summaries = {s.date: s for s in DaySummary.objects.filter(employee=employee, date__in=dates)}
    states = _states(employee, dates)

    rows: dict[date, DayRow] = {}
    for day in dates:
        summary = summaries.get(day)
        # A finished job may have been pruned; then the sums themselves tell that they are done.
        known = SumsState.DONE if summary else SumsState.NONE
        rows[day] = DayRow(
            date=day,
            minutes=minutes.get(day, 0),
            norm_minutes=summary.norm_minutes if summary else None,
            balance_minutes=summary.balance_minutes if summary else None,
            state=states.get(day, known),
        )
    return MonthSheet(
        first=first,
        weeks=tuple(_week(week, rows) for week in calendar),
        minutes=sum(minutes.values()),
        norm_minutes=sum(row.norm_minutes or 0 for row in rows.values()),
        balance_minutes=sum(row.balance_minutes or 0 for row in rows.values()),
        waiting=sum(row.state is SumsState.WAITING for row in rows.values()),
    )


def _week(week: Sequence[date], rows: dict[date, DayRow]) -> WeekRow:
    days = tuple(rows.get(day) for day in week)
    return WeekRow(
        number=week[0].isocalendar().week,
        days=days,
        minutes=sum(row.minutes for row in days if row),
    )


def _minutes(employee: Employee, dates: Sequence[date]) -> dict[date, int]:
    booked = TimeEntry.objects.filter(employee=employee, date__range=(dates[0], dates[-1]))
    return dict(
        booked.order_by()
        .values("date")
        .annotate(sum=Sum("duration_minutes"))
        .values_list("date", "sum")
    )


def _states(employee: Employee, dates: Iterable[date]) -> dict[date, SumsState]:
    """Return the state of each day that has a job, by its latest job."""
    days = {day_key(employee.pk, day): day for day in dates}
    jobs = OutboxJob.objects.filter(job_type=DAY_SAVED, dedup_key__in=days)
    latest = jobs.order_by().values("dedup_key").annotate(latest=Max("pk")).values("latest")
    statuses = OutboxJob.objects.filter(pk__in=latest).values_list("dedup_key", "status")
    return {days[key]: _STATES[JobStatus(status)] for key, status in statuses if key is not None}
