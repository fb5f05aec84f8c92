"""Health checks: one session each, with the files that went in and came out."""

import uuid
from datetime import date
from pathlib import PurePosixPath

from django.db import models
from django.db.models import Case as Choice
from django.db.models import F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from django_network_hc.models.networks import Network

__all__ = ["HealthCheckSession", "SessionFile"]


class HealthCheckSession(models.Model):
    """
    One pass over a report and its inventory.

    While it works its row is the lock of its network: the database computes ``active_network`` and
    keeps it unique. ``holder`` names its process, so that another can tell whether it still lives.
    """

    class Type(models.TextChoices):
        """What it was for."""

        NEW_NETWORK_SETUP = "NEW_NETWORK_SETUP", _("first tracker")
        REGULAR_PROCESSING = "REGULAR_PROCESSING", _("health check")
        MAINTENANCE = "MAINTENANCE", _("edited tracker")

    class Status(models.TextChoices):
        """How far it is."""

        PENDING = "PENDING", _("waiting")
        PROCESSING = "PROCESSING", _("at work")
        COMPLETED = "COMPLETED", _("completed")
        FAILED = "FAILED", _("failed")
        CANCELLED = "CANCELLED", _("cancelled")
        UNDONE = "UNDONE", _("undone")

    network = models.ForeignKey(
        Network, on_delete=models.CASCADE, related_name="sessions", verbose_name=_("network")
    )
    session_id = models.UUIDField(_("session"), default=uuid.uuid4, unique=True, editable=False)
    session_type = models.CharField(
        _("type"), max_length=20, choices=Type.choices, default=Type.REGULAR_PROCESSING
    )
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.PENDING
    )
    report_on = models.DateField(_("report of"), null=True)
    content_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Of the report, the inventory and the rules."
    )
    initiated_by = models.CharField(_("started by"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"))
    started_at = models.DateTimeField(_("started at"), null=True)
    completed_at = models.DateTimeField(_("ended at"), null=True)

    progress_percentage = models.PositiveSmallIntegerField(_("percent"), default=0)
    current_step = models.CharField(_("step"), max_length=255, blank=True)
    error_messages = models.TextField(_("error"), blank=True)
    notes = models.JSONField(_("notes"), default=list)
    counts = models.JSONField(_("counts"), default=dict)
    coverage = models.JSONField(_("coverage"), default=dict)
    before = models.JSONField(
        default=dict, help_text="What a step back needs beside the rows themselves."
    )
    is_published = models.BooleanField(
        default=False, help_text="Whether its tracker stands in the script directory."
    )

    is_cancel_requested = models.BooleanField(_("to be cancelled"), default=False)
    holder = models.CharField(_("process"), max_length=200, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)
    active_network = models.GeneratedField(
        expression=Choice(When(Q(status="PROCESSING"), then=F("network")), default=Value(None)),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
        unique=True,
    )

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["network", "status", "-id"], name="dnh_session_network"),
            models.Index(fields=["status", "-id"], name="dnh_session_status"),
        ]
        permissions = [("run_health_check", "Can upload a report and start a health check")]

    def __str__(self) -> str:
        return str(self.session_id)

    @property
    def day(self) -> date:
        """Return the day of its report, which it has once it was read."""
        if self.report_on is None:
            raise ValueError(f"Session {self} has read no report.")
        return self.report_on

    @property
    def is_over(self) -> bool:
        """Return whether nothing will happen to it by itself any more."""
        return self.status not in (self.Status.PENDING, self.Status.PROCESSING)


class SessionFile(models.Model):
    """A file of a session; its row stays when the file itself has been cleaned up."""

    class Kind(models.TextChoices):
        """What it is."""

        TEC_REPORT = "TEC_REPORT", _("report")
        INVENTORY_CSV = "INVENTORY_CSV", _("inventory")
        HC_TRACKER = "HC_TRACKER", _("tracker that came in")
        TRACKER_BEFORE = "TRACKER_BEFORE", _("tracker as it was before")
        TRACKER_GENERATED = "TRACKER_GENERATED", _("tracker")
        OUTPUT = "OUTPUT", _("output")
        LOG = "LOG", _("log")

    session = models.ForeignKey(
        HealthCheckSession,
        on_delete=models.CASCADE,
        related_name="files",
        verbose_name=_("session"),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    path = models.CharField(
        _("file"), max_length=255, help_text=_("Below the folder of its session.")
    )
    size = models.PositiveBigIntegerField(_("size (bytes)"))
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(_("created at"))
    removed_at = models.DateTimeField(_("removed at"), null=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "path"], name="dnh_file_once"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def name(self) -> str:
        """Return its name without its folder."""
        return PurePosixPath(self.path).name
