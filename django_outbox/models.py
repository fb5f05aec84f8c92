"""The tables: jobs, their failed attempts, the workers, and what consumers have received."""

from collections.abc import Collection
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_opskit.clock import ServerTime
from django_opskit.fields import KeyField
from django_outbox.indexes import (
    StatusIndex,
    UniqueWhereSet,
    UniqueWhilePending,
    UniqueWhileRunning,
)

__all__ = [
    "Inbox",
    "JobStatus",
    "OutboxAttempt",
    "OutboxJob",
    "OutboxJobQuerySet",
    "OutboxWorker",
]


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
    window_key = KeyField(
        _("window key"),
        max_length=300,
        null=True,
        blank=True,
        help_text=_("The dedup key and a stretch of time: one job per job type and both."),
    )
    group_key = KeyField(
        _("group key"),
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text=_("Jobs of one queue and group run one after the other, in their order."),
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
    result = models.JSONField(_("result"), null=True, blank=True)
    progress = models.JSONField(_("progress"), null=True, blank=True)

    objects = OutboxJobQuerySet.as_manager()

    class Meta:
        db_table = "outbox_job"
        verbose_name = _("outbox job")
        verbose_name_plural = _("outbox jobs")
        constraints = (
            UniqueWhilePending(group="job_type", key="dedup_key", name="outbox_job_one_pending"),
            UniqueWhereSet(group="job_type", key="window_key", name="outbox_job_one_in_window"),
            UniqueWhileRunning(group="queue", key="group_key", name="outbox_job_one_per_lane"),
            models.CheckConstraint(
                condition=models.Q(status__in=JobStatus.values), name="outbox_job_status_known"
            ),
        )
        indexes = (
            # The claim: one queue at a time, in the order of the claim. Jobs of a lane stand
            # apart, so that a long lane is not in the way of the others.
            StatusIndex(
                fields=["queue", "group_key", "-priority", "run_after", "id"],
                statuses=[JobStatus.PENDING.value],
                name="outbox_job_due",
            ),
            # The lanes: from one to the next, and to the head of each.
            StatusIndex(
                fields=["queue", "group_key", "id"],
                statuses=[JobStatus.PENDING.value],
                filled="group_key",
                name="outbox_job_lane",
            ),
            # Dead letters and cancelled jobs among millions of completed ones.
            StatusIndex(
                fields=["id"],
                statuses=[JobStatus.FAILED.value, JobStatus.CANCELLED.value],
                name="outbox_job_dead",
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


class OutboxAttempt(models.Model):
    """
    An attempt that did not succeed; successful ones leave no row.

    ``job_id`` is a number and no foreign key: see :class:`OutboxJob`.
    """

    id = models.BigAutoField(primary_key=True)
    job_id = models.BigIntegerField(_("job"))
    claim_no = models.BigIntegerField(_("claim number"))
    attempt = models.PositiveSmallIntegerField(_("attempt"))
    worker = models.CharField(_("worker"), max_length=64, blank=True, default="")
    started_at = models.DateTimeField(_("started at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), default=timezone.now)
    error_type = models.CharField(_("kind of error"), max_length=200, blank=True, default="")
    error = models.TextField(_("error"), blank=True, default="")

    class Meta:
        db_table = "outbox_attempt"
        verbose_name = _("failed attempt")
        verbose_name_plural = _("failed attempts")
        constraints = (
            models.UniqueConstraint(
                fields=["job_id", "claim_no"], name="outbox_attempt_one_per_claim"
            ),
        )

    def __str__(self) -> str:
        return f"attempt {self.attempt} of job #{self.job_id}"


class OutboxWorker(models.Model):
    """
    A worker that is running, or was until it died: a clean stop removes its row.

    ``has_lock`` says that the worker holds a lock of its name on the database server (or, with
    SQLite, the host) for as long as it lives: whoever finds that lock free knows it is dead.
    """

    name = models.CharField(_("name"), max_length=64, primary_key=True)
    host = models.CharField(_("host"), max_length=64)
    pid = models.PositiveIntegerField(_("process"))
    queues = models.JSONField(_("queues"), default=list)
    concurrency = models.PositiveIntegerField(_("concurrency"), default=1)
    has_lock = models.BooleanField(_("has a lock"), default=False)
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    seen_at = models.DateTimeField(_("seen at"), default=timezone.now)

    class Meta:
        db_table = "outbox_worker"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name


class Inbox(models.Model):
    """
    The messages that a consumer has received: at most one row per consumer and message.

    See ``django_outbox.inbox`` for the way to use it.
    """

    id = models.BigAutoField(primary_key=True)
    consumer = KeyField(_("consumer"), max_length=100, blank=True, default="")
    message_id = KeyField(_("message id"), max_length=255)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)

    class Meta:
        db_table = "outbox_inbox"
        verbose_name = _("received message")
        verbose_name_plural = _("received messages")
        constraints = (
            models.UniqueConstraint(
                fields=["consumer", "message_id"], name="outbox_inbox_one_per_message"
            ),
        )

    def __str__(self) -> str:
        return f"{self.consumer}:{self.message_id}" if self.consumer else self.message_id
