"""Time booked."""

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Round
from django.utils.translation import gettext_lazy as _

from timetracker.models.employee import Employee
from timetracker.models.history import (
    bulk_create_with_history,
    bulk_update_with_history,
    history_records,
    record_deletions,
)
from timetracker.models.task import TaskCache

__all__ = ["MINUTES_PER_DAY", "TimeEntry", "TimeEntryQuerySet"]

MINUTES_PER_DAY = 1440


class TimeEntryQuerySet(models.QuerySet["TimeEntry"]):
    """Verbs that write many entries and their history in a fixed number of queries."""

    def add(self, entries: Collection["TimeEntry"], *, now: datetime) -> None:
        """Insert ``entries``."""
        if entries:
            bulk_create_with_history(entries, self.model, default_date=now)

    def change(self, entries: Collection["TimeEntry"], *, now: datetime) -> None:
        """Write the durations of ``entries``."""
        if entries:
            bulk_update_with_history(
                entries, self.model, fields=["duration_minutes"], default_date=now
            )

    def remove(self, entries: Collection["TimeEntry"], *, now: datetime) -> None:
        """Delete ``entries``."""
        if entries:
            record_deletions(entries, now=now)
            # delete() would send a signal per row, and the history would insert one row for
            # each. Nothing refers to an entry, so there is nothing to cascade to.
            self.filter(pk__in=[entry.pk for entry in entries])._raw_delete(self.db)


class TimeEntry(models.Model):
    """
    Minutes that an employee worked on a task on one day.

    Written by :func:`timetracker.services.save_day`, which also keeps the rules that span
    rows: those of the whole day.
    """

    # PROTECT: an account or a task that goes must not take booked time with it. No index of
    # its own for the employee: the unique constraint below starts with it.
    employee = models.ForeignKey(
        Employee,
        on_delete=models.PROTECT,
        related_name="time_entries",
        db_index=False,
        verbose_name=_("employee"),
    )
    task = models.ForeignKey(
        TaskCache,
        on_delete=models.PROTECT,
        related_name="time_entries",
        verbose_name=_("task"),
    )
    date = models.DateField(_("date"))
    duration_minutes = models.PositiveSmallIntegerField(_("duration (minutes)"))
    # The database computes the hours, so no writer can get them wrong. Which way a half is
    # rounded never matters: a whole number of sixtieths is never half a hundredth.
    # Divided as floats, because SQLite would divide two integers as integers.
    hours_decimal = models.GeneratedField(
        expression=Round(F("duration_minutes") / Value(60.0), precision=2),
        output_field=models.DecimalField(max_digits=5, decimal_places=2),
        db_persist=True,
        verbose_name=_("hours"),
    )

    objects = TimeEntryQuerySet.as_manager()
    # Hours are left out of the history: they follow from the minutes.
    history = history_records(
        _("change of a time entry"), _("changes of time entries"), excluded_fields=["hours_decimal"]
    )

    class Meta:
        verbose_name = _("time entry")
        verbose_name_plural = _("time entries")
        ordering = ("date", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=["employee", "date", "task"], name="time_entry_once_per_day_and_task"
            ),
            models.CheckConstraint(
                condition=Q(duration_minutes__range=(1, MINUTES_PER_DAY)),
                name="time_entry_duration_fits_a_day",
                violation_error_message=_("The duration must be 1 to 1440 minutes."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.duration_minutes} min"
