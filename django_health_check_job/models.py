"""What is stored: results, where each check stands, and what waits to be sent."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from django_health_check_job.engine.naming import LONGEST_NAME
from django_health_check_job.engine.outcome import State
from django_health_check_job.engine.standing import LONGEST_RUN
from django_opskit.fields import KeyField
from django_opskit.histories import edit_history

__all__ = [
    "Check",
    "CheckConfig",
    "Delivery",
    "HeathCheckJob",
    "MonitorLease",
    "MonitorRound",
    "Receipt",
    "Rollup",
    "Sender",
    "StateChange",
]

_STATES = [
    (State.UP.value, _("up")),
    (State.WARN.value, _("warning")),
    (State.UNKNOWN.value, _("unknown")),
    (State.DOWN.value, _("down")),
]

#: What a site is called that is not this one: its SYNC_APP_ID.
_SOURCE_LENGTH = 64


class Check(models.Model):
    """
    One check that was ever run, and where it stands now: one row each, whatever is kept besides.

    ``source`` is "" for the checks of this site, and the sender's id for those of another.
    """

    source = KeyField(_("site"), max_length=_SOURCE_LENGTH, default="", blank=True)
    name = KeyField(_("name"), max_length=LONGEST_NAME)
    slug = KeyField(_("slug"), max_length=LONGEST_NAME)
    critical = models.BooleanField(_("critical"), default=True)
    state = models.CharField(_("state"), max_length=7, choices=_STATES, default=State.UNKNOWN.value)
    since = models.DateTimeField(_("since"), null=True, blank=True)
    recent = models.CharField(_("recent outcomes"), max_length=LONGEST_RUN, blank=True)
    last_state = models.CharField(
        _("last outcome"), max_length=7, choices=_STATES, default=State.UNKNOWN.value
    )
    last_message = models.TextField(_("message"), blank=True)
    last_duration_seconds = models.FloatField(_("took"), null=True, blank=True)
    last_at = models.DateTimeField(_("last run"), null=True, blank=True)
    last_round = models.UUIDField(_("round"), null=True, blank=True)
    stale_after_seconds = models.FloatField(_("stale after (seconds)"), default=60.0)
    retired_at = models.DateTimeField(
        _("retired"), null=True, blank=True, help_text=_("When it was no longer listed.")
    )

    class Meta:
        verbose_name = _("check")
        verbose_name_plural = _("checks")
        constraints = [
            models.UniqueConstraint(fields=["source", "name"], name="hcj_check_name"),
            models.UniqueConstraint(fields=["source", "slug"], name="hcj_check_slug"),
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.name}" if self.source else self.name


class HeathCheckJob(models.Model):
    """
    One result. The published name, its spelling included; rows are only ever added.

    ``created_at`` is when the row was written, ``checked_at`` when the check ran.
    """

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    status = models.IntegerField(_("status"), choices=[(1, _("working")), (0, _("failing"))])
    message = models.TextField(_("message"), blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)
    # No constraint in the database: it would ask for a lock on the check with every row.
    check_row = models.ForeignKey(
        Check,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        db_column="check_id",
        db_constraint=False,
        db_index=False,
        related_name="results",
        verbose_name=_("check"),
    )
    round = models.UUIDField(_("round"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=_STATES, blank=True)
    duration_seconds = models.FloatField(_("took"), null=True, blank=True)
    checked_at = models.DateTimeField(_("checked at"), null=True, blank=True)
    annotation = models.TextField(
        _("annotation"), blank=True, help_text=_("What people want to add to this result.")
    )

    #: Written when somebody edits a row, and never by bulk_create().
    history = edit_history(_("history of a result"), _("history of results"))

    class Meta:
        verbose_name = _("health check result")
        verbose_name_plural = _("health check results")
        ordering = ["-id"]
        indexes = [
            # The results of one check in their order: its page, its chart, the filter by name.
            models.Index(fields=["check_row", "id"], name="hcj_result_check"),
            # The failures among ten million successes.
            models.Index(fields=["status", "id"], name="hcj_result_status"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class StateChange(models.Model):
    """A check went from one state to another. ``announced_at`` is when its signal was sent."""

    check_row = models.ForeignKey(
        Check,
        on_delete=models.CASCADE,
        db_column="check_id",
        related_name="changes",
        verbose_name=_("check"),
    )
    old = models.CharField(_("from"), max_length=7, choices=_STATES)
    new = models.CharField(_("to"), max_length=7, choices=_STATES)
    at = models.DateTimeField(_("at"))
    round = models.UUIDField(_("round"), null=True, blank=True)
    message = models.TextField(_("message"), blank=True)
    is_first = models.BooleanField(_("first state"), default=False)
    announced_at = models.DateTimeField(_("announced"), null=True, blank=True)

    class Meta:
        verbose_name = _("change of state")
        verbose_name_plural = _("changes of state")
        ordering = ["-id"]
        constraints = [
            # A round that is recorded twice, after a crash, changes nothing a second time.
            models.UniqueConstraint(fields=["check_row", "at"], name="hcj_change_once"),
        ]
        indexes = [models.Index(fields=["announced_at", "id"], name="hcj_change_waiting")]

    def __str__(self) -> str:
        return f"{self.old} → {self.new}"


class CheckConfig(models.Model):
    """What people set for one check in the admin; empty fields leave it to the settings."""

    check_row = models.OneToOneField(
        Check,
        on_delete=models.CASCADE,
        db_column="check_id",
        related_name="config",
        verbose_name=_("check"),
    )
    is_enabled = models.BooleanField(_("enabled"), default=True)
    interval_seconds = models.FloatField(_("interval (seconds)"), null=True, blank=True)
    timeout_seconds = models.FloatField(_("timeout (seconds)"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(
        _("failures"), null=True, blank=True, help_text=_("Bad outcomes in a row.")
    )
    successes = models.PositiveSmallIntegerField(
        _("successes"), null=True, blank=True, help_text=_("Good outcomes in a row.")
    )
    note = models.TextField(_("note"), blank=True)

    history = edit_history(_("history of a check's setting"), _("history of checks' settings"))

    class Meta:
        verbose_name = _("setting of a check")
        verbose_name_plural = _("settings of checks")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(interval_seconds__isnull=True)
                | models.Q(interval_seconds__gte=0.1, interval_seconds__lte=86_400),
                name="hcj_config_interval",
                violation_error_message=_("The interval is from 0.1 to 86400 seconds."),
            ),
            models.CheckConstraint(
                condition=models.Q(timeout_seconds__isnull=True)
                | models.Q(timeout_seconds__gt=0, timeout_seconds__lte=3600),
                name="hcj_config_timeout",
                violation_error_message=_("The timeout is above 0 and at most 3600 seconds."),
            ),
            models.CheckConstraint(
                condition=models.Q(failures__isnull=True)
                | models.Q(failures__gte=1, failures__lte=LONGEST_RUN),
                name="hcj_config_failures",
                violation_error_message=_("Failures are from 1 to 100."),
            ),
            models.CheckConstraint(
                condition=models.Q(successes__isnull=True)
                | models.Q(successes__gte=1, successes__lte=LONGEST_RUN),
                name="hcj_config_successes",
                violation_error_message=_("Successes are from 1 to 100."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.check_row)


class MonitorRound(models.Model):
    """A round that is stored: what makes storing it twice impossible."""

    uuid = models.UUIDField(_("round"), unique=True)
    started_at = models.DateTimeField(_("started at"))
    duration_seconds = models.FloatField(_("took"))
    healthy = models.BooleanField(_("healthy"))
    monitor = models.CharField(_("monitor"), max_length=200)

    class Meta:
        verbose_name = _("round")
        verbose_name_plural = _("rounds")

    def __str__(self) -> str:
        return str(self.uuid)


class Delivery(models.Model):
    """A payload that the monitoring server has not yet taken; the row goes when it has."""

    key = models.UUIDField(_("idempotency key"), unique=True)
    payload = models.TextField(_("payload"))
    created_at = models.DateTimeField(_("created at"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    refused_at = models.DateTimeField(
        _("refused"), null=True, blank=True, help_text=_("The server will not take it as it is.")
    )

    class Meta:
        verbose_name = _("unsent payload")
        verbose_name_plural = _("unsent payloads")
        indexes = [models.Index(fields=["refused_at", "id"], name="hcj_delivery_waiting")]

    def __str__(self) -> str:
        return str(self.key)


class Rollup(models.Model):
    """The results of one check in one hour or one day, written along with each of them."""

    class Span(models.TextChoices):
        """How long a bucket is."""

        HOUR = "H", _("hour")
        DAY = "D", _("day")

    check_row = models.ForeignKey(
        Check,
        on_delete=models.CASCADE,
        db_column="check_id",
        db_index=False,
        related_name="rollups",
        verbose_name=_("check"),
    )
    span = models.CharField(_("span"), max_length=1, choices=Span.choices)
    starts_at = models.DateTimeField(_("starts at"), help_text=_("In UTC."))
    ups = models.PositiveIntegerField(_("up"), default=0)
    warns = models.PositiveIntegerField(_("warning"), default=0)
    unknowns = models.PositiveIntegerField(_("unknown"), default=0)
    downs = models.PositiveIntegerField(_("down"), default=0)
    # Whole microseconds: sums of floats depend on their order.
    total_us = models.BigIntegerField(_("sum of durations (µs)"), default=0)
    least_us = models.BigIntegerField(_("shortest (µs)"), null=True, blank=True)
    most_us = models.BigIntegerField(_("longest (µs)"), null=True, blank=True)

    class Meta:
        verbose_name = _("rollup")
        verbose_name_plural = _("rollups")
        constraints = [
            models.UniqueConstraint(
                fields=["check_row", "span", "starts_at"], name="hcj_rollup_bucket"
            )
        ]

    def __str__(self) -> str:
        return f"{self.span} {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def count(self) -> int:
        """Return how many results the bucket holds."""
        return self.ups + self.warns + self.unknowns + self.downs

    @property
    def mean_seconds(self) -> float | None:
        """Return how long a run took in the middle; None when no duration is known."""
        return None if self.least_us is None else self.total_us / self.count / 1e6


class MonitorLease(models.Model):
    """Who leads among the monitors. ``fence`` grows with every new leader."""

    name = KeyField(_("name"), max_length=32, primary_key=True)
    holder = models.CharField(_("holder"), max_length=200)
    fence = models.BigIntegerField(_("fence"), default=0)
    acquired_at = models.DateTimeField(_("acquired at"))
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        verbose_name = _("leading monitor")
        verbose_name_plural = _("leading monitors")

    def __str__(self) -> str:
        return self.holder


class Sender(models.Model):
    """Another site that sends its results here."""

    app_id = KeyField(_("site"), max_length=_SOURCE_LENGTH, primary_key=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("sending site")
        verbose_name_plural = _("sending sites")

    def __str__(self) -> str:
        return self.app_id


class Receipt(models.Model):
    """A payload that was taken: the same one again is answered, and not stored again."""

    app_id = KeyField(_("site"), max_length=_SOURCE_LENGTH)
    key = KeyField(_("idempotency key"), max_length=64)
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        constraints = [
            models.UniqueConstraint(fields=["app_id", "key"], name="hcj_receipt_once"),
        ]
        indexes = [models.Index(fields=["received_at"], name="hcj_receipt_age")]

    def __str__(self) -> str:
        return f"{self.app_id}: {self.key}"
