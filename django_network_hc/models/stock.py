"""What hardware stood where, at the day of a report."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_network_hc.models.sessions import HealthCheckSession

__all__ = ["InventoryItem"]


class InventoryItem(models.Model):
    """One line of the inventory that came with a report."""

    session = models.ForeignKey(
        HealthCheckSession,
        on_delete=models.CASCADE,
        related_name="inventory",
        verbose_name=_("session"),
    )
    hc_id = models.PositiveIntegerField(_("HC id"))
    mnemonic = models.CharField(_("board"), max_length=255, blank=True)
    shelf_type = models.CharField(_("shelf type"), max_length=255, blank=True)
    serial = models.CharField(_("serial number"), max_length=255, blank=True)
    cells = models.JSONField(_("line"), default=list)

    class Meta:
        verbose_name = _("inventory item")
        verbose_name_plural = _("inventory")
        ordering = ["id"]
        indexes = [models.Index(fields=["serial"], name="dnh_item_serial")]

    def __str__(self) -> str:
        return f"{self.hc_id}: {self.mnemonic} {self.serial}"
