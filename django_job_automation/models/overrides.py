"""What people set for the rules while the site runs, laid over ``JOB_AUTOMATION``."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField
from django_opskit.histories import edit_history

__all__ = ["GLOBAL", "SettingsOverride"]

#: The scope of what holds for all sites.
GLOBAL = ""


class SettingsOverride(models.Model):
    """
    Keys of the rules for all sites (""), for a group ("group:north") or for one ("site:A-17").

    ``version`` grows with each change: who changes it says which one he has seen.
    """

    scope = KeyField(_("scope"), max_length=255, unique=True, blank=True, default=GLOBAL)
    values = models.JSONField(_("values"), default=dict, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    updated_at = models.DateTimeField(_("changed at"), auto_now=True)
    updated_by = models.CharField(_("changed by"), max_length=200, blank=True, editable=False)

    history = edit_history(_("history of settings"), _("histories of settings"))

    class Meta:
        verbose_name = _("setting of the rules")
        verbose_name_plural = _("settings of the rules")

    def __str__(self) -> str:
        return self.scope or str(_("all sites"))
