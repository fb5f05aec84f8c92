"""Who holds the lock of a command."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["CommandLock"]


class CommandLock(models.Model):
    """
    A lock of one key, such as ``cleanup_old_data:demo``; its row stays when nobody holds it.

    With session locks the server decides and the row only says who it is. With leases the row
    decides: ``fence`` grows with each holder, and nobody is one after ``expires_at``.
    """

    key = KeyField(_("lock"), max_length=200, unique=True)
    fence = models.BigIntegerField(_("number"), default=0)
    process = models.CharField(_("process"), max_length=200, blank=True)
    holder = models.CharField(_("holder"), max_length=400, blank=True)
    acquired_at = models.DateTimeField(_("since"), null=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)

    class Meta:
        verbose_name = _("command lock")
        verbose_name_plural = _("command locks")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key
