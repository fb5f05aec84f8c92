"""The history of commands: one row for each run, from wherever it was started."""

import uuid
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["CommandRun", "CommandRunQuerySet"]


class CommandRunQuerySet(models.QuerySet["CommandRun"]):
    """Runs, by what became of them."""

    def over(self) -> "CommandRunQuerySet":
        """Return those to which nothing will happen any more."""
        return self.exclude(status__in=(CommandRun.Status.PENDING, CommandRun.Status.RUNNING))

    def good(self) -> "CommandRunQuerySet":
        """Return those that did their work, be it with findings, and not for show."""
        good = (CommandRun.Status.SUCCEEDED, CommandRun.Status.FINDINGS)
        return self.filter(status__in=good, is_dry_run=False)


class CommandRun(models.Model):
    """
    One run of a management command.

    It is written over a connection of its own, so that a rollback of the command does not erase
    it, and by nobody but the run itself: others only mark it as lost, or ask it to stop.
    No foreign keys: the record outlives whom it names.
    """

    class Source(models.TextChoices):
        """Where it was started."""

        COMMAND_LINE = "CLI", _("command line")
        SCHEDULE = "SCHEDULE", _("schedule")
        CELERY = "CELERY", _("Celery")
        TASK = "TASK", _("task")
        ADMIN = "ADMIN", _("admin")
        PYTHON = "PYTHON", _("Python")

    class Status(models.TextChoices):
        """How far it is, or what became of it."""

        PENDING = "PENDING", _("waiting")
        RUNNING = "RUNNING", _("running")
        SUCCEEDED = "SUCCEEDED", _("succeeded")
        FINDINGS = "FINDINGS", _("finished with findings")
        FAILED = "FAILED", _("failed")
        REFUSED = "REFUSED", _("wrong usage")
        LOCKED = "LOCKED", _("lock held by another")
        STOPPED = "STOPPED", _("stopped")
        LOST = "LOST", _("lost")

    run_id = models.UUIDField(_("run"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("command"), max_length=100)
    arguments = models.JSONField(_("arguments"), default=dict, help_text=_("Secrets are masked."))
    is_dry_run = models.BooleanField(_("dry run"), default=False)
    source = models.CharField(
        _("started from"), max_length=10, choices=Source.choices, default=Source.PYTHON
    )
    schedule = models.CharField(_("schedule"), max_length=100, blank=True)
    started_by = models.CharField(_("started by"), max_length=200, blank=True)
    host = models.CharField(_("host"), max_length=255, blank=True)
    pid = models.BigIntegerField(_("process id"), null=True)
    process = models.CharField(_("process"), max_length=200, blank=True)

    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.RUNNING
    )
    argv = models.JSONField(
        default=list, help_text="The words that it is started with, when it was asked for here."
    )
    queued_at = models.DateTimeField(_("queued at"), null=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    heartbeat_at = models.DateTimeField(_("last heartbeat"), null=True)
    finished_at = models.DateTimeField(_("ended at"), null=True)
    duration_seconds = models.FloatField(_("duration (s)"), null=True)
    cpu_seconds = models.FloatField(
        _("CPU (s)"), null=True, help_text=_("Of its process and the programs that it ran.")
    )
    peak_memory_bytes = models.BigIntegerField(
        _("peak memory (bytes)"), null=True, help_text=_("Of its process, at its largest.")
    )
    exit_status = models.SmallIntegerField(_("exit status"), null=True)
    error = models.TextField(_("error"), blank=True)
    traceback = models.TextField(_("traceback"), blank=True)
    counters = models.JSONField(_("counters"), default=dict)
    output = models.TextField(_("output"), blank=True, help_text=_("Its end; secrets are masked."))
    is_stoppable = models.BooleanField(
        default=False, help_text="Whether it has its process to itself, which may be ended."
    )
    is_stop_requested = models.BooleanField(_("to be stopped"), default=False)

    objects = CommandRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("command run")
        verbose_name_plural = _("command runs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["name", "status", "-finished_at"], name="dso_run_name"),
            models.Index(fields=["name", "-id"], name="dso_run_name_id"),
            models.Index(fields=["status", "-id"], name="dso_run_status"),
            models.Index(fields=["finished_at"], name="dso_run_finished"),
        ]
        permissions = [("run_command", "Can start the commands that the site allows")]

    def __str__(self) -> str:
        return f"{self.name} {self.run_id}"

    @property
    def is_over(self) -> bool:
        """Return whether nothing will happen to it any more."""
        return self.status not in (self.Status.PENDING, self.Status.RUNNING)

    @property
    def options(self) -> list[tuple[str, Any]]:
        """Return the arguments that say something: no defaults of switches."""
        return [
            (name, value) for name, value in self.arguments.items() if value not in (None, False)
        ]
