"""Filters that stay quick in a table of any length: no DISTINCT, no count."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_health_check_job.models import Check, Delivery, HeathCheckJob
from django_opskit.keys import read_key

__all__ = ["MessageFilter", "NameFilter", "RefusedFilter", "RetiredFilter", "StatusFilter"]

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
        key = read_key(self.value() or "")
        return queryset if key is None else queryset.filter(check_row_id=key)


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


class RetiredFilter(admin.SimpleListFilter):
    """The checks that are listed, unless those are asked for that no longer are."""

    title = _("listed")
    parameter_name = "retired"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the two that are not shown at first."""
        return [("1", _("Retired")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        """Return the choices; the first is no "All" here."""
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Listed")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the checks that are asked for."""
        value = self.value()
        return queryset if value == "all" else queryset.filter(retired_at__isnull=value != "1")


class RefusedFilter(admin.SimpleListFilter):
    """Payloads that wait, or that the server will not take."""

    title = _("state")
    parameter_name = "refused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return both."""
        return [("0", _("waiting")), ("1", _("refused"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the payloads that are asked for."""
        if self.value() not in ("0", "1"):
            return queryset
        return queryset.filter(refused_at__isnull=self.value() == "0")

    def candidates(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery] | None:
        """Return the refused ones, which are few."""
        return rows.filter(refused_at__isnull=False).order_by() if self.value() == "1" else None
