"""
The three tables that rules work on, as abstract models to subclass.

A site that keeps its own names derives from these and says so in an adapter; one that has its
tables already needs none of them.
"""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from django_opskit.fields import KeyField

__all__ = ["OPEN_STATUSES", "AbstractJob", "AbstractReading", "AbstractSite"]

#: Statuses in which somebody still has to do something. Frozen in migrations: the database
#: computes from them whether a job is open.
OPEN_STATUSES = ("open", "assigned", "in_progress")

JOB_TYPE_LENGTH = 50


class AbstractSite(models.Model):
    """A place with a meter."""

    site_id = KeyField(_("site"), max_length=50, unique=True)
    site_name = models.CharField(_("name"), max_length=200, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    commissioned_at = models.DateTimeField(
        _("commissioned at"),
        null=True,
        blank=True,
        help_text=_("A site that was never read is silent only when this is long enough ago."),
    )
    snoozed_until = models.DateTimeField(
        _("snoozed until"), null=True, blank=True, help_text=_("Until then no rule looks at it.")
    )
    group = KeyField(
        _("group"),
        max_length=50,
        default="",
        blank=True,
        help_text=_("Sites that can be compared with each other."),
    )
    capacity = models.FloatField(
        _("capacity"),
        null=True,
        blank=True,
        help_text=_("What it can count at most, such as its kWp: sites are compared by it."),
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.site_name or self.site_id


class AbstractReading(models.Model):
    """
    What a register showed at a moment. A subclass adds ``site``, a foreign key without an index.

    Decimals with six places and eighteen digits before them hold the Wh of any plant.
    """

    reading_date = models.DateTimeField(_("read at"))
    reading_value = models.DecimalField(
        _("value"), max_digits=24, decimal_places=6, null=True, blank=True
    )

    class Meta:
        abstract = True
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["site", "reading_date"], name="%(app_label)s_%(class)s_once"
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            # With the value, so that no rule has to look at a row itself.
            models.Index(
                fields=["site", "-reading_date", "-reading_value"], name="dja_%(class)s_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reading_date:%Y-%m-%d %H:%M} {self.reading_value}"


class AbstractJob(models.Model):
    """
    Something to be done at a site. A subclass adds ``site``, a foreign key (CASCADE or PROTECT).

    That a site has one open job of a type is the database's own promise: it computes ``open_key``
    with every change of a row, by whomever, and keeps it unique.
    """

    job_type = KeyField(_("type"), max_length=JOB_TYPE_LENGTH)
    status = models.CharField(
        _("status"),
        max_length=20,
        default="open",
        choices=[
            ("open", _("open")),
            ("assigned", _("assigned")),
            ("in_progress", _("in progress")),
            ("closed", _("closed")),
        ],
    )
    description = models.TextField(_("description"), blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    last_seen_at = models.DateTimeField(
        _("last seen"), null=True, blank=True, help_text=_("When a run last found the same.")
    )
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    # No constraint: a run may be forgotten before its jobs are.
    run = models.ForeignKey(
        "django_job_automation.Run",
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("run"),
    )
    clean_runs = models.PositiveIntegerField(
        _("clean runs"),
        default=0,
        editable=False,
        help_text=_("Runs in a row that found the opposite."),
    )
    allow_duplicate = models.BooleanField(_("one of several"), default=False, editable=False)
    open_key = models.GeneratedField(
        expression=Case(
            When(
                Q(status__in=OPEN_STATUSES) & Q(allow_duplicate=False),
                then=F("site"),
            ),
            default=Value(None),
        ),
        output_field=models.BigIntegerField(null=True),
        db_persist=True,
    )

    class Meta:
        abstract = True
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["job_type", "open_key"],
                name="%(app_label)s_%(class)s_open",
                violation_error_message=_("The site has an open job of this type already."),
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["status", "job_type"], name="dja_%(class)s_open_of_type"),
            models.Index(fields=["-created_at"], name="dja_%(class)s_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type} #{self.pk}"

    def clean(self) -> None:
        """Refuse a second open job with a sentence, in forms without the type too."""
        super().clean()
        if not self.is_open or self.allow_duplicate:
            return
        others = type(self)._default_manager.filter(job_type=self.job_type, open_key=self._site_key)
        if others.exclude(pk=self.pk).exists():
            raise ValidationError(
                {"status": _("The site has an open job of this type already.")}, code="unique"
            )

    @property
    def _site_key(self) -> Any:
        return getattr(self, "site_id")  # noqa: B009  # a field of each subclass

    @property
    def is_open(self) -> bool:
        """Return whether somebody still has to do something."""
        return self.status in OPEN_STATUSES
