"""What is known of a schedule beside its runs."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["ScheduleState"]


class ScheduleState(models.Model):
    """A schedule of the setting: since when it is watched, and what somebody was told of it."""

    name = KeyField(_("schedule"), max_length=100, unique=True)
    watched_since = models.DateTimeField(_("watched since"))
    told_of = models.DateTimeField(
        _("told of"), null=True, help_text=_("The time at which it was due and did not succeed.")
    )

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
