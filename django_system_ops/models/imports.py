"""How far the import of a file has come."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["ImportCheckpoint"]


class ImportCheckpoint(models.Model):
    """
    How much of a file is in; written in the transaction of the rows themselves.

    So it says neither more nor less than what is there, whenever the process dies. A file is known
    by its bytes, whatever its name.
    """

    file_sha256 = KeyField(_("SHA-256 of the file"), max_length=64)
    type_name = KeyField(_("type of data"), max_length=100)
    tenant = KeyField(_("tenant"), max_length=100, blank=True)
    file_name = models.CharField(_("file"), max_length=255)
    options = models.JSONField(
        _("options"), default=dict, help_text=_("What a run that goes on has to repeat.")
    )
    rows_read = models.BigIntegerField(_("rows read"), default=0)
    created = models.BigIntegerField(_("rows created"), default=0)
    updated = models.BigIntegerField(_("rows updated"), default=0)
    skipped = models.BigIntegerField(_("rows skipped"), default=0)
    rejected = models.BigIntegerField(_("rows rejected"), default=0)
    rejects_bytes = models.BigIntegerField(
        default=0, help_text="How long the file of rejects was then: what is behind is cut off."
    )
    is_finished = models.BooleanField(_("finished"), default=False)
    started_at = models.DateTimeField(_("started at"))
    updated_at = models.DateTimeField(_("last rows at"))

    class Meta:
        verbose_name = _("import of a file")
        verbose_name_plural = _("imports of files")
        ordering = ["-updated_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["file_sha256", "type_name", "tenant"], name="dso_import_file"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.type_name})"
