"""One table: the jobs."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField
from django_outbox.clock import ServerTime
from django_outbox.indexes import StatusIndex, UniqueWhilePending

__all__ = ["JobStatus", "OutboxJob", "OutboxJobQuerySet"]


class JobStatus(models.TextChoices):
    """Where a job stands. The words are public; partial indexes hold them as literals."""

    PENDING = "PENDING", _("pending")
    IN_PROGRESS = "IN_PROGRESS", _("in progress")
    COMPLETED = "COMPLETED", _("completed")
    FAILED = "FAILED", _("failed")
    CANCELLED = "CANCELLED", _("cancelled")


class OutboxJobQuerySet(models.QuerySet["OutboxJob"]):
    """Verbs whose WHERE clause decides the race: they change what still is as expected."""

    def pending(self) -> "OutboxJobQuerySet":
        """Jobs that wait for a worker, due or not."""
        return self.filter(status=JobStatus.PENDING)

    def held(self, worker: str, claim_no: int, ids: Collection[int]) -> "OutboxJobQuerySet":
        """Those of ``ids`` that ``worker`` still holds under the claim ``claim_no``."""
        # Having a lease is being in progress. Asked for the status, MariaDB goes through its
        # index and locks every job in progress on the way, those of other workers too.
        return self.filter(pk__in=ids, worker=worker, claim_no=claim_no, lease_until__isnull=False)

    def expired(self) -> "OutboxJobQuerySet":
        """Jobs whose worker gave no sign of life until the lease was over."""
        return self.filter(status=JobStatus.IN_PROGRESS, lease_until__lt=ServerTime())

    def finish(self, status: JobStatus, *, error: str = "") -> int:
        """Close the jobs with ``status``; return how many there were."""
        return self.update(
            status=status, finished_at=ServerTime(), lease_until=None, last_error=error
        )

    def back_to_pending(self, *, delay_seconds: float = 0.0, **changes: Any) -> int:
        """Let the jobs wait for a worker again; return how many there were."""
        return self.update(
            status=JobStatus.PENDING,
            run_after=ServerTime(delay_seconds),
            lease_until=None,
            finished_at=None,
            worker="",
            **changes,
        )


class OutboxJob(models.Model):
    """
    A piece of work, stored in the transaction of the data that it is about.

    ``django_outbox.dispatcher.enqueue`` makes them and workers move them on; a site reads them.
    There is no foreign key to or from this table on purpose: it is written all the time.
    """

    Status = JobStatus

    id = models.BigAutoField(primary_key=True)
    queue = KeyField(_("queue"), max_length=64, default="default")
    job_type = KeyField(_("job type"), max_length=200)
    dedup_key = KeyField(
        _("dedup key"),
        max_length=255,
        null=True,
        blank=True,
        help_text=_("At most one pending job per job type and key."),
    )
    payload = models.JSONField(_("payload"), default=dict)
    status = models.CharField(
        _("status"), max_length=16, choices=JobStatus.choices, default=JobStatus.PENDING
    )
    priority = models.SmallIntegerField(
        _("priority"), default=0, help_text=_("Higher numbers run first.")
    )
    run_after = models.DateTimeField(_("run after"), default=timezone.now)
    attempts = models.PositiveSmallIntegerField(
        _("attempts"), default=0, help_text=_("Counted when a worker takes the job.")
    )
    max_attempts = models.PositiveSmallIntegerField(_("max. attempts"), default=10)
    worker = models.CharField(_("worker"), max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    claim_no = models.BigIntegerField(
        _("claim number"),
        default=0,
        help_text=_("Grows with each claim and voids the reports of earlier ones."),
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True, default="")

    objects = OutboxJobQuerySet.as_manager()

    class Meta:
        db_table = "outbox_job"
        verbose_name = _("outbox job")
        verbose_name_plural = _("outbox jobs")
        constraints = (
            UniqueWhilePending(group="job_type", key="dedup_key", name="outbox_job_one_pending"),
            models.CheckConstraint(
                condition=models.Q(status__in=JobStatus.values), name="outbox_job_status_known"
            ),
        )
        indexes = (
            # The claim: one queue at a time, in the order of the claim.
            StatusIndex(
                fields=["queue", "-priority", "run_after", "id"],
                statuses=[JobStatus.PENDING.value],
                name="outbox_job_ready",
            ),
            # The rescue of jobs whose worker died.
            StatusIndex(
                fields=["lease_until"],
                statuses=[JobStatus.IN_PROGRESS.value],
                name="outbox_job_lease",
            ),
            # "What became of the job for this key?", asked by sites and in the admin.
            models.Index(fields=["dedup_key", "id"], name="outbox_job_key"),
        )

    def __str__(self) -> str:
        return f"{self.job_type} #{self.pk}"
