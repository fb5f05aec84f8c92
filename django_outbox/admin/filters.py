"""Filters that ask no database for their choices, and no index that does not exist."""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_opskit.browsing import first_key_since
from django_outbox.conf import get_conf
from django_outbox.models import JobStatus, OutboxJob
from django_outbox.services.registry import registry

__all__ = ["AgeFilter", "JobTypeFilter", "QueueFilter", "StatusFilter"]

logger = logging.getLogger(__name__)


class _ColumnFilter(admin.SimpleListFilter):
    """One value of one column."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs with the chosen value."""
        column, value = str(self.parameter_name), self.value()
        return queryset.filter(**{column: value}) if value else queryset


class StatusFilter(_ColumnFilter):
    """Where a job stands."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return all statuses."""
        return list(JobStatus.choices)

    def candidates(self, jobs: QuerySet[OutboxJob]) -> QuerySet[OutboxJob] | None:
        """Return the jobs of the status, asked for in the words of its index; or None."""
        value = self.value()
        if value not in JobStatus.values or value == JobStatus.COMPLETED:
            return None
        found = jobs.filter(status=value).order_by()
        if value in (JobStatus.FAILED, JobStatus.CANCELLED):
            # As literals: SQLite compares a partial index's condition with no parameters.
            found = found.extra(where=["outbox_job.status IN ('FAILED', 'CANCELLED')"])
        return found


class QueueFilter(_ColumnFilter):
    """The declared queues: Django's own filter would look for them in every row."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the queues of ``OUTBOX["QUEUES"]``."""
        return [(name, name) for name in get_conf().QUEUES]


class JobTypeFilter(_ColumnFilter):
    """The job types that have a handler; the search finds others."""

    title = _("job type")
    parameter_name = "job_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the job types of the registry."""
        try:
            return [(name, name) for name in registry.job_types()]
        except Exception:
            # A web server need not be able to import what the workers do.
            logger.warning("the handlers cannot be imported here", exc_info=True)
            return []


class AgeFilter(admin.SimpleListFilter):
    """
    When a job was enqueued.

    No index has this column, and none is needed: keys grow with time, so that the first key of
    an hour is found by some twenty looks at single rows.
    """

    title = _("age")
    parameter_name = "age"

    _SPANS = {
        "hour": timedelta(hours=1),
        "day": timedelta(days=1),
        "week": timedelta(days=7),
        "month": timedelta(days=30),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the spans of time."""
        return [
            ("hour", _("Last hour")),
            ("day", _("Last 24 hours")),
            ("week", _("Last 7 days")),
            ("before-day", _("Older than 24 hours")),
            ("before-week", _("Older than 7 days")),
            ("before-month", _("Older than 30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs of the chosen span."""
        moment, is_before = self._chosen()
        if moment is None:
            return queryset
        return queryset.filter(**{"created_at__lt" if is_before else "created_at__gte": moment})

    def key_bounds(self, jobs: QuerySet[OutboxJob]) -> tuple[int | None, int | None]:
        """Return the lowest and the highest key that a job of the span can have."""
        moment, is_before = self._chosen()
        if moment is None:
            return None, None
        key = first_key_since(jobs, "created_at", moment)
        if is_before:
            return None, None if key is None else key - 1
        return (None, 0) if key is None else (key, None)

    def _chosen(self) -> tuple[datetime | None, bool]:
        value = self.value() or ""
        span = self._SPANS.get(value.removeprefix("before-"))
        if span is None:
            return None, False
        return timezone.now() - span, value.startswith("before-")
