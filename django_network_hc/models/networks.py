"""Networks, their nodes, and what each report said of a node."""

import re

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from django_network_hc.engine.coverage import UNKNOWN_TYPE
from django_network_hc.engine.names import is_network_name
from django_opskit.fields import KeyField
from django_opskit.histories import edit_history

__all__ = ["Network", "Node", "NodeRun"]

_SPACES = re.compile(r"\s+")


class Network(models.Model):
    """
    A network of a customer; its files are called after it.

    Nothing of a network is ever deleted with it: it is *removed*, and its name is free again.
    """

    class SetupStatus(models.TextChoices):
        """Whether a health check can run."""

        NEW = "NEW", _("new")
        READY = "READY", _("ready")

    customer = models.CharField(_("customer"), max_length=255)
    name = KeyField(
        _("network"),
        max_length=100,
        help_text=_(
            "As in the names of its files: CustomerA_DWDM for CustomerA_DWDM_Reports_20250206.xlsx."
        ),
    )
    network_type = models.CharField(_("type"), max_length=100, default="Unknown", blank=True)
    setup_status = models.CharField(
        _("status"),
        max_length=20,
        choices=SetupStatus.choices,
        default=SetupStatus.NEW,
        editable=False,
    )
    removed_as = models.BigIntegerField(
        default=0, editable=False, help_text="0, or its own key once it is removed."
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    tracker_sha256 = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Of the tracker as this app wrote or read it last: another one was edited.",
    )

    history = edit_history(
        _("history of a network"),
        _("histories of networks"),
        excluded_fields=["setup_status", "tracker_sha256", "created_at"],
    )

    class Meta:
        verbose_name = _("network")
        verbose_name_plural = _("networks")
        ordering = ["customer", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "removed_as"],
                name="dnh_network_once",
                violation_error_message=_("There is a network of this name already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.customer}/{self.name}"

    def clean(self) -> None:
        """Refuse a name that no file could have."""
        super().clean()
        self.name = _SPACES.sub(" ", self.name).strip()
        if not is_network_name(self.name):
            raise ValidationError(
                {
                    "name": _(
                        "Use up to 100 letters, digits, blanks and -_.()+&, a letter or digit "
                        "first: files are called after it."
                    )
                }
            )
        others = Network.objects.filter(name=self.name, removed_as=self.removed_as)
        if others.exclude(pk=self.pk).exists():
            raise ValidationError(
                {"name": _("There is a network of this name already.")}, code="unique"
            )

    @property
    def is_ready(self) -> bool:
        """Return whether a health check can run."""
        return self.setup_status == self.SetupStatus.READY


class Node(models.Model):
    """A node, as the last report knew it."""

    network = models.ForeignKey(
        Network, on_delete=models.CASCADE, related_name="nodes", verbose_name=_("network")
    )
    hc_id = models.PositiveIntegerField(_("HC id"))
    position = models.PositiveIntegerField(default=0, editable=False)
    kind = models.CharField(_("node type"), max_length=255, default=UNKNOWN_TYPE)
    location = models.CharField(_("location"), max_length=255, blank=True)
    sid = models.CharField(_("SID"), max_length=255, blank=True)
    pss_type = models.CharField(_("PSS type"), max_length=255, default=UNKNOWN_TYPE)

    class Meta:
        verbose_name = _("node")
        verbose_name_plural = _("nodes")
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["network", "hc_id"], name="dnh_node_once"),
        ]

    def __str__(self) -> str:
        return f"{self.hc_id} {self.location}/{self.sid}"


class NodeRun(models.Model):
    """What the report of a day said of a node: the day of its test, or a text."""

    node = models.ForeignKey(
        Node, on_delete=models.CASCADE, related_name="runs", verbose_name=_("node")
    )
    report_on = models.DateField(_("report of"))
    tested_on = models.DateField(_("tested on"), null=True)
    said = models.CharField(_("instead of a day"), max_length=255, blank=True)
    annotation = models.CharField(
        _("not run properly"),
        max_length=20,
        blank=True,
        help_text=_("The test that says that the node was not run properly."),
    )
    # No constraint: what a tracker of earlier times said came in no session.
    session = models.ForeignKey(
        "django_network_hc.HealthCheckSession",
        on_delete=models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="node_runs",
        verbose_name=_("session"),
    )

    class Meta:
        verbose_name = _("coverage of a node")
        verbose_name_plural = _("coverage of nodes")
        ordering = ["-report_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["node", "report_on"], name="dnh_run_once"),
        ]

    def __str__(self) -> str:
        return f"{self.node_id}, {self.report_on}: {self.tested_on or self.said}"
