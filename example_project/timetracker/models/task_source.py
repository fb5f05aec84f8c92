"""Where tasks come from, and how each synchronisation went."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["SyncRun", "TaskSource"]


class TaskSource(models.Model):
    """
    A planning system's task list, and how far we have read it.

    ``cursor`` is the server's own time of the last successful run: asking for what changed
    since then never depends on our clock.
    """

    url = KeyField(_("address"), max_length=512)
    etag = models.CharField(_("ETag"), max_length=255, blank=True)
    cursor = models.CharField(_("cursor"), max_length=64, blank=True)
    full_synced_at = models.DateTimeField(_("last full run"), null=True, blank=True)
    synced_at = models.DateTimeField(_("last run"), null=True, blank=True)
    # The run that may write, and until when it need not be heard of: see timetracker.sync.lease.
    lease_token = models.UUIDField(null=True, editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("task source")
        verbose_name_plural = _("task sources")
        ordering = ("url",)
        constraints = [
            # A constraint and not unique=True: that makes Django warn on MariaDB from 256
            # characters on. These 512 are at most 2,048 of the 3,072 bytes of an index key.
            models.UniqueConstraint(fields=["url"], name="task_source_url_once"),
            models.CheckConstraint(condition=~Q(url=""), name="task_source_url_not_empty"),
        ]

    def __str__(self) -> str:
        return self.url


class SyncRun(models.Model):
    """One synchronisation: what it was asked to do, what it did, how it ended."""

    class Mode(models.TextChoices):
        """How much was asked for."""

        FULL = "full", _("full")
        INCREMENTAL = "incremental", _("incremental")

    class Outcome(models.TextChoices):
        """How it ended."""

        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")

    source = models.ForeignKey(
        TaskSource,
        on_delete=models.CASCADE,
        related_name="runs",
        db_index=False,
        verbose_name=_("task source"),
    )
    mode = models.CharField(_("mode"), max_length=16, choices=Mode)
    outcome = models.CharField(
        _("outcome"), max_length=16, choices=Outcome, default=Outcome.RUNNING
    )
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    added = models.PositiveIntegerField(_("added"), default=0)
    updated = models.PositiveIntegerField(_("updated"), default=0)
    deactivated = models.PositiveIntegerField(_("deactivated"), default=0)
    unchanged = models.PositiveIntegerField(_("unchanged"), default=0)
    rejected = models.PositiveIntegerField(_("rejected"), default=0)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("synchronisation")
        verbose_name_plural = _("synchronisations")
        ordering = ("-started_at", "-pk")
        indexes = [
            models.Index(fields=["source", "-started_at"], name="sync_run_source_started"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="running", finished_at=None)
                | Q(~Q(outcome="running"), finished_at__isnull=False),
                name="sync_run_finished_when_it_ended",
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["running", "succeeded", "failed"]),
                name="sync_run_outcome_is_known",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["full", "incremental"]), name="sync_run_mode_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.mode} {self.outcome}"
