"""The sums of a day, computed after the day was saved."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from timetracker.models.employee import Employee
from timetracker.models.time_entry import MINUTES_PER_DAY

__all__ = ["DaySummary"]


class DaySummary(models.Model):
    """
    What a day's entries add up to.

    A projection: written by the outbox handler alone, and computed from the entries each time,
    so that running it twice, late or out of order ends in the same row.
    """

    # No index of its own: the unique constraint below starts with the employee.
    employee = models.ForeignKey(
        Employee,
        on_delete=models.CASCADE,
        related_name="day_summaries",
        db_index=False,
        verbose_name=_("employee"),
    )
    date = models.DateField(_("date"))
    # Signed, although never negative: MariaDB refuses a negative difference of unsigned columns.
    total_minutes = models.SmallIntegerField(_("worked (minutes)"))
    norm_minutes = models.SmallIntegerField(_("norm (minutes)"))
    balance_minutes = models.GeneratedField(
        expression=F("total_minutes") - F("norm_minutes"),
        output_field=models.SmallIntegerField(),
        db_persist=True,
        verbose_name=_("balance (minutes)"),
    )
    entries_count = models.PositiveSmallIntegerField(_("entries"))
    computed_at = models.DateTimeField(_("computed"))

    class Meta:
        verbose_name = _("day summary")
        verbose_name_plural = _("day summaries")
        ordering = ("-date", "pk")
        constraints = [
            models.UniqueConstraint(fields=["employee", "date"], name="day_summary_once_per_day"),
            models.CheckConstraint(
                condition=Q(total_minutes__range=(0, MINUTES_PER_DAY))
                & Q(norm_minutes__range=(0, MINUTES_PER_DAY)),
                name="day_summary_fits_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.date:%Y-%m-%d} {self.total_minutes} min"
