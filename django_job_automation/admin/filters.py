"""Filters that stay quick in a table of any length."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_job_automation.engine.quality import KINDS
from django_job_automation.models import OPEN_STATUSES, Job
from django_job_automation.rules import get_rules

__all__ = ["OpenFilter", "RuleFilter", "TypeFilter"]


class OpenFilter(admin.SimpleListFilter):
    """The jobs that are open, and the others."""

    title = _("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return both."""
        return [("1", _("open")), ("0", _("closed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs that are asked for."""
        if self.value() == "1":
            return queryset.filter(status__in=OPEN_STATUSES)
        return queryset.exclude(status__in=OPEN_STATUSES) if self.value() == "0" else queryset

    def candidates(self, rows: QuerySet[Job]) -> QuerySet[Job] | None:
        """Return the open ones, which are few."""
        if self.value() != "1":
            return None
        return rows.filter(status__in=OPEN_STATUSES).order_by()


class TypeFilter(admin.SimpleListFilter):
    """The types of jobs that the rules open."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return what the settings say."""
        from django_job_automation.conf import get_conf

        conf = get_conf()
        types = [conf.rule(name).job_type_id for name in get_rules()]
        return [(one, one) for one in types]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs of the type."""
        return queryset.filter(job_type=value) if (value := self.value()) else queryset


class RuleFilter(admin.SimpleListFilter):
    """The rules, and what they note."""

    title = _("rule")
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return their names."""
        return [
            *((name, rule.title) for name, rule in get_rules().items()),
            *((kind, kind) for kind in KINDS),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return what the rule has found."""
        return queryset.filter(rule=value) if (value := self.value()) else queryset
