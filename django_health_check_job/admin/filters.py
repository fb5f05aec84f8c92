"""Filters of the results that stay quick in a table of any length: no DISTINCT, no count."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_health_check_job.models import Check, HeathCheckJob

__all__ = ["MessageFilter", "NameFilter", "StatusFilter"]

_MOST_NAMES = 500


class StatusFilter(admin.SimpleListFilter):
    """Working or failing; both are in the index that begins with the status."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the two published values."""
        return [("1", _("working")), ("0", _("failing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the results with the chosen status."""
        return queryset.filter(status=int(value)) if (value := self._chosen()) else queryset

    def candidates(self, rows: QuerySet[HeathCheckJob]) -> QuerySet[HeathCheckJob] | None:
        """Return the failures, which are few where all is well."""
        return rows.filter(status=0).order_by() if self._chosen() == "0" else None

    def _chosen(self) -> str | None:
        value = self.value()
        return value if value in ("0", "1") else None


class NameFilter(admin.SimpleListFilter):
    """The checks, read from their own small table."""

    title = _("name")
    parameter_name = "name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the checks of this site and of those that send."""
        checks = Check.objects.order_by("source", "name")[:_MOST_NAMES]
        return [(str(check.pk), str(check)) for check in checks]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the results of the chosen check."""
        value = self.value() or ""
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            return queryset
        return queryset.filter(check_row_id=int(value))


class MessageFilter(admin.SimpleListFilter):
    """A text that the message holds; no index finds it, and the list says how far it looked."""

    title = _("message")
    parameter_name = "message"
    template = "django_health_check_job/message_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return something, or Django leaves the filter out: the template shows a box."""
        return [("", "")]

    def choices(self, changelist: Any) -> Any:
        """Return what the box needs: its value, and the other filters that stay."""
        kept = changelist.get_filters_params()
        others = {name: value for name, value in kept.items() if name != self.parameter_name}
        # Django gives lists since 5.0.
        flat = [
            (name, one)
            for name, value in others.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        yield {"value": self.value() or "", "others": flat, "name": self.parameter_name}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the results whose message holds the text."""
        return queryset.filter(message__icontains=value) if (value := self.value()) else queryset
