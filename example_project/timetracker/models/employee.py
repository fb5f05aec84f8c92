"""Who books time."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from timetracker.models.history import history_records

__all__ = ["Employee"]


class Employee(models.Model):
    """A person who books time, tied to the account that they log in with."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="employee",
        verbose_name=_("user"),
    )
    email = models.EmailField(_("email address"))
    is_active = models.BooleanField(_("active"), default=True)
    daily_norm_minutes = models.PositiveSmallIntegerField(_("daily norm (minutes)"), default=480)

    history = history_records(_("change of an employee"), _("changes of employees"))

    class Meta:
        verbose_name = _("employee")
        verbose_name_plural = _("employees")
        ordering = ("email", "pk")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(daily_norm_minutes__range=(0, 1440)),
                name="employee_norm_fits_a_day",
                violation_error_message=_("The daily norm must be 0 to 1440 minutes."),
            ),
        ]

    def __str__(self) -> str:
        return self.email
