"""Times in which nobody wants to hear of a site."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField
from django_opskit.histories import edit_history

__all__ = ["MaintenanceWindow"]


class MaintenanceWindow(models.Model):
    """From a moment to another no rule looks at all sites (""), a group, or one site."""

    scope = KeyField(
        _("scope"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("Nothing for all sites, group:NAME, or site:SITE_ID."),
    )
    starts_at = models.DateTimeField(_("starts at"))
    ends_at = models.DateTimeField(_("ends at"))
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    history = edit_history(_("history of a window"), _("histories of windows"))

    class Meta:
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")),
                name="dja_window_ends_later",
                violation_error_message=_("A window ends after it starts."),
            )
        ]
        indexes = [models.Index(fields=["ends_at", "starts_at"], name="dja_window_time")]

    def __str__(self) -> str:
        return f"{self.scope or _('all sites')}: {self.reason}"

    def clean(self) -> None:
        """Refuse a scope that is none."""
        super().clean()
        kind, _colon, name = self.scope.partition(":")
        if self.scope and not (kind in ("group", "site") and name):
            raise ValidationError({"scope": _("Write nothing, group:NAME, or site:SITE_ID.")})
