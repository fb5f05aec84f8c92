"""Cases: what a network's reports have found, and what engineers know of it."""

from django.db import models
from django.db.models import Case as Choice
from django.db.models import F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from django_network_hc.models.networks import Network
from django_network_hc.models.sessions import HealthCheckSession
from django_opskit.fields import KeyField
from django_opskit.histories import edit_history

__all__ = ["Case"]


class Case(models.Model):
    """
    An issue that is followed over the months.

    ``state`` is ours: whether it is open. ``status`` is what engineers call an open one. That a
    finding has one open case is the database's own promise: it computes ``open_key`` with every
    change of a row, by whomever, and keeps it unique in its network.
    """

    class State(models.TextChoices):
        """Whether somebody still has to do something."""

        OPEN = "OPEN", _("open")
        CLOSED = "CLOSED", _("closed")
        IGNORED = "IGNORED", _("ignored")

    network = models.ForeignKey(
        Network, on_delete=models.CASCADE, related_name="cases", verbose_name=_("network")
    )
    hc_id = models.PositiveIntegerField(_("HC id"))
    test = models.CharField(_("test case"), max_length=100)
    priority = models.CharField(_("category"), max_length=100, blank=True)
    issue = models.TextField(_("issue"), blank=True)
    text = models.TextField(_("finding"), blank=True)
    key = KeyField(
        max_length=64,
        editable=False,
        help_text="SHA-256 of node, test, category, issue and finding.",
    )

    found_on = models.DateField(_("HC date"), null=True, blank=True)
    address = models.CharField(_("node IP"), max_length=255, blank=True)
    location = models.CharField(_("location"), max_length=255, blank=True)
    label = models.CharField(_("node user label"), max_length=255, blank=True)
    ne_type = models.CharField(_("NE type"), max_length=255, blank=True)
    network_name = models.CharField(_("network in the tracker"), max_length=255, blank=True)
    task = models.TextField(_("task"), blank=True)

    state = models.CharField(
        _("state"), max_length=7, choices=State.choices, default=State.OPEN, editable=False
    )
    status = models.CharField(
        _("status"),
        max_length=255,
        default="OPEN",
        help_text=_("OPEN or words of your own while it is open; CLOSED or IGNORED to end it."),
    )
    origin = models.TextField(_("Int/Ext"), blank=True)
    category = models.TextField(_("fault category"), blank=True)
    hardware = models.TextField(_("HW type"), blank=True)
    card = models.TextField(_("card serial number"), blank=True)
    remarks = models.TextField(_("remarks"), blank=True)
    extras = models.JSONField(
        _("own columns"),
        default=dict,
        blank=True,
        help_text=_("What stands in columns that engineers have added to the tracker."),
    )

    times_seen = models.PositiveIntegerField(_("times seen"), default=1, editable=False)
    last_seen_on = models.DateField(_("last seen"), null=True, editable=False)
    seen_before_on = models.DateField(null=True, editable=False)
    opened_by = models.ForeignKey(
        HealthCheckSession,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="opened_cases",
        verbose_name=_("opened by"),
    )
    closed_by = models.ForeignKey(
        HealthCheckSession,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="closed_cases",
        verbose_name=_("closed by"),
    )
    closed_on = models.DateField(_("closed on"), null=True, editable=False)
    is_unverified = models.BooleanField(
        _("unverified"),
        default=False,
        editable=False,
        help_text=_("Closed by a report that says nothing sure of its node."),
    )
    reopens = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="reopened_as",
        verbose_name=_("reopens"),
    )
    open_key = models.GeneratedField(
        expression=Choice(When(Q(state="OPEN"), then=F("key")), default=Value(None)),
        output_field=KeyField(max_length=64, null=True),
        db_persist=True,
    )

    history = edit_history(
        _("history of a case"),
        _("histories of cases"),
        excluded_fields=[
            *("network", "hc_id", "test", "priority", "issue", "text", "key", "found_on"),
            *("address", "location", "label", "ne_type", "network_name", "task"),
            *("times_seen", "last_seen_on", "seen_before_on", "opened_by", "closed_by"),
            *("closed_on", "is_unverified", "reopens", "open_key"),
        ],
    )

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["network", "open_key"],
                name="dnh_case_open",
                violation_error_message=_("The network has an open case of this finding already."),
            )
        ]
        indexes = [
            models.Index(fields=["network", "state", "id"], name="dnh_case_state"),
            models.Index(fields=["network", "key"], name="dnh_case_key"),
            models.Index(fields=["network", "hc_id"], name="dnh_case_node"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}: {self.hc_id}, {self.test} {self.issue}"

    @property
    def is_open(self) -> bool:
        """Return whether somebody still has to do something."""
        return self.state == self.State.OPEN
