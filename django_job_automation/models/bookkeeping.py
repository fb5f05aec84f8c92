"""
What the app remembers of its own work.

Sites stand here as text: the models that hold them are the integrator's, and what was found stays
readable when a site is gone.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["ACTIVE", "Finding", "JobClaim", "Run"]

#: What ``Run.active`` holds while the run is at work; the column is unique.
ACTIVE = "run"


class Run(models.Model):
    """
    One pass of the rules. While it works its row is the lock: there is one with ``active`` set.

    ``holder`` names its process, so that another can tell whether it still lives.
    """

    class Outcome(models.TextChoices):
        """How it ended."""

        RUNNING = "RUNNING", _("at work")
        DONE = "DONE", _("done")
        FAILED = "FAILED", _("failed")
        INTERRUPTED = "INTERRUPTED", _("interrupted")
        SKIPPED = "SKIPPED", _("no rule enabled")

    active = KeyField(_("active"), max_length=3, null=True, blank=True, unique=True, editable=False)
    holder = models.CharField(_("process"), max_length=200, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    started_by = models.CharField(_("started by"), max_length=200)
    started_at = models.DateTimeField(_("started at"))
    duration_seconds = models.FloatField(_("took (seconds)"), null=True, blank=True)
    as_of = models.DateTimeField(_("as of"))
    outcome = models.CharField(
        _("outcome"), max_length=11, choices=Outcome.choices, default=Outcome.RUNNING
    )
    settings = models.JSONField(_("settings"), default=dict)
    counters = models.JSONField(_("counters"), default=dict)
    error = models.TextField(_("error"), blank=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]
        permissions = [("run_automation", "Can start a run of the rules")]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Finding(models.Model):
    """What a rule found at a site in a run, and whether that opened a job."""

    class Result(models.TextChoices):
        """What became of it."""

        OPENED = "OPENED", _("job opened")
        OPEN = "OPEN", _("job open already")
        HELD = "HELD", _("held back")
        CLOSED = "CLOSED", _("job closed")
        NOTED = "NOTED", _("noted")

    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="findings", verbose_name=_("run")
    )
    rule = models.CharField(_("rule"), max_length=50)
    site_key = KeyField(_("site"), max_length=255, blank=True)
    site_label = models.CharField(_("name"), max_length=255, blank=True)
    reason = models.CharField(_("reason"), max_length=500)
    evidence = models.JSONField(_("evidence"), default=dict)
    result = models.CharField(_("result"), max_length=7, choices=Result.choices)
    job_key = models.CharField(_("job"), max_length=255, blank=True)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["-id"]
        indexes = [models.Index(fields=["site_key", "-id"], name="dja_finding_site")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.site_label or self.site_key}"


class JobClaim(models.Model):
    """
    Who may open a job in a table that is not ours: one row for a type and site.

    It stands for the job that it names, and goes with the first run that finds that one closed.
    """

    job_type = KeyField(_("type"), max_length=50)
    site_key = KeyField(_("site"), max_length=255)
    # No constraint: a run may be forgotten before the job is closed.
    run = models.ForeignKey(
        Run,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        verbose_name=_("run"),
    )
    job_key = models.CharField(_("job"), max_length=255, blank=True)
    last_seen_at = models.DateTimeField(_("last seen"))
    clean_runs = models.PositiveIntegerField(_("clean runs"), default=0)

    class Meta:
        verbose_name = _("claim of a job")
        verbose_name_plural = _("claims of jobs")
        constraints = [
            models.UniqueConstraint(fields=["job_type", "site_key"], name="dja_claim_once")
        ]

    def __str__(self) -> str:
        return f"{self.job_type}: {self.site_key}"
