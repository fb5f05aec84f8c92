"""The sums of a day."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from timetracker.conf import get_conf
from timetracker.models import DaySummary, Employee, TimeEntry

__all__ = ["summarise_day", "summarise_open_days"]


@transaction.atomic
def summarise_day(employee_id: int, date: date, *, now: datetime) -> None:
    """
    Compute the day's sums from its entries and store them.

    Idempotent: called twice, late or out of order, it ends in the same row.

    Raises:
        Employee.DoesNotExist: the employee is gone, and the summaries with them.
    """
    # The same lock as save_day's. Without it a slow run could read the entries, let a save and
    # its own run overtake, and then put the older sums over the newer ones.
    employee = Employee.objects.select_for_update().get(pk=employee_id)
    sums = TimeEntry.objects.filter(employee=employee, date=date).aggregate(
        minutes=Sum("duration_minutes", default=0), entries=Count("pk")
    )
    DaySummary.objects.update_or_create(
        employee=employee,
        date=date,
        defaults={
            "total_minutes": sums["minutes"],
            "norm_minutes": employee.daily_norm_minutes,
            "entries_count": sums["entries"],
            "computed_at": now,
        },
    )


@transaction.atomic
def summarise_open_days(employee_id: int, *, now: datetime) -> int:
    """
    Compute anew the sums of the days that may still be changed; return how many there were.

    They follow the employee's norm of today. Closed days keep the one that they were closed with.

    Raises:
        Employee.DoesNotExist: the employee is gone, and the summaries with them.
    """
    employee = Employee.objects.select_for_update().get(pk=employee_id)
    first_open = timezone.localdate(now) - timedelta(days=get_conf().EDIT_WINDOW_DAYS)
    rows = DaySummary.objects.filter(employee=employee, date__gte=first_open).order_by("date")
    days = list(rows.values_list("date", flat=True))
    for day in days:
        summarise_day(employee.pk, day, now=now)
    return len(days)
