"""Which row of one tenant became which row of another."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["TenantMove", "TenantMoveRow"]


class TenantMove(models.Model):
    """
    All copying from one tenant to another, by their primary keys as text.

    ``run`` grows with each run: a row of the map that has not its number was not found by it.
    """

    source = KeyField(_("from"), max_length=255)
    target = KeyField(_("to"), max_length=255)
    run = models.BigIntegerField(_("run"), default=0)
    token = models.UUIDField(
        default=uuid.uuid4,
        editable=False,
        help_text="What the names of copied files follow from: a pair that was forgotten has "
        "another one when it is copied again.",
    )

    class Meta:
        verbose_name = _("move between tenants")
        verbose_name_plural = _("moves between tenants")
        constraints = [
            models.UniqueConstraint(fields=["source", "target"], name="dso_move_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


class TenantMoveRow(models.Model):
    """
    One row that goes along; ``new_pk`` is empty until the other tenant has it.

    It is committed with the row that it tells of, so that neither is there without the other.
    """

    class Outcome(models.TextChoices):
        """How the other tenant came by its row."""

        FOUND = "FOUND", _("found")
        COPIED = "COPIED", _("copied")
        ADOPTED = "ADOPTED", _("already there")

    move = models.ForeignKey(TenantMove, on_delete=models.CASCADE, verbose_name=_("move"))
    model = KeyField(_("model"), max_length=201)
    old_pk = KeyField(_("old key"), max_length=255)
    new_pk = KeyField(_("new key"), max_length=255, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=10, choices=Outcome.choices, default=Outcome.FOUND
    )
    run = models.BigIntegerField(_("run"))
    is_whole = models.BooleanField(
        default=False, help_text="Whether what depends on it goes along too."
    )
    is_expanded = models.BooleanField(
        default=False, help_text="Whether it was looked at for what goes along with it."
    )
    is_settled = models.BooleanField(
        default=False, help_text="Whether its links in circles are set."
    )
    values = models.JSONField(
        default=dict, help_text="What had to become another value: names of files, and of rows."
    )

    class Meta:
        verbose_name = _("row of a move")
        verbose_name_plural = _("rows of a move")
        constraints = [
            models.UniqueConstraint(fields=["move", "model", "old_pk"], name="dso_move_old_row"),
        ]
        indexes = [
            models.Index(fields=["move", "model", "new_pk"], name="dso_move_new_row"),
            models.Index(fields=["move", "run", "is_expanded", "model"], name="dso_move_open"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.old_pk} -> {self.new_pk or '?'}"
