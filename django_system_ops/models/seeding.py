"""Which rows were made by setup_demo_data and create_test_data: those, and no others, go again."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["SeededRange", "SeededRow"]


class SeededRow(models.Model):
    """
    A row that was made for a demo, or for a test where its key is no number.

    It is noted in the transaction that makes the row. By its columns: ``digests``
    say what the row was like, and ``files`` are the names of those that were saved for it.
    ``serial`` is that of :class:`SeededRange`, for rows of a test.
    """

    batch = KeyField(_("set"), max_length=150)
    tenant = KeyField(_("tenant"), max_length=255, blank=True)
    model = KeyField(_("model"), max_length=100)
    object_pk = KeyField(_("key"), max_length=255)
    digests = models.JSONField(_("digest"), default=dict, blank=True)
    files = models.JSONField(_("file"), default=dict, blank=True)
    serial = models.BigIntegerField(_("number"), null=True, blank=True)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("demo row")
        verbose_name_plural = _("demo rows")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["model", "object_pk"], name="dso_seeded_row_once"),
        ]
        indexes = [models.Index(fields=["batch", "tenant"], name="dso_seeded_row_batch")]

    def __str__(self) -> str:
        return f"{self.model} {self.object_pk}"


class SeededRange(models.Model):
    """
    Rows of a table that were made for a test: those with keys from ``first_pk`` to ``last_pk``.

    It is noted in the transaction that makes the rows, and names keys that nobody else was given.
    ``serial`` is the number of the model's rows that were made until then; what has to differ from
    row to row is made of it.
    """

    batch = KeyField(_("set"), max_length=150)
    model = KeyField(_("model"), max_length=100)
    tenant = KeyField(_("tenant"), max_length=255, blank=True)
    first_pk = models.BigIntegerField(_("first key"))
    last_pk = models.BigIntegerField(_("last key"))
    serial = models.BigIntegerField(_("number"))
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("test rows")
        verbose_name_plural = _("test rows")
        ordering = ["id"]
        indexes = [models.Index(fields=["model", "serial"], name="dso_seeded_range_model")]

    def __str__(self) -> str:
        return f"{self.model} {self.first_pk}-{self.last_pk}"
