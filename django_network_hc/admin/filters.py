"""Filters of the lists."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_network_hc.models import Case, Network
from django_opskit.keys import read_key

__all__ = ["NetworkFilter", "StateFilter"]


class NetworkFilter(admin.SimpleListFilter):
    """By network; the networks are few."""

    title = _("network")
    parameter_name = "network"
    #: Where the network of a row is.
    field = "network"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the networks that are not removed."""
        return [(str(one.pk), str(one)) for one in Network.objects.filter(removed_as=0)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return its rows."""
        key = read_key(self.value() or "")
        return queryset if key is None else queryset.filter(**{self.field: key})


class StateFilter(admin.SimpleListFilter):
    """Open ones first of all."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states, and what is closed without being sure."""
        return [*Case.State.choices, ("unverified", _("closed, but unverified"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the cases in that state."""
        value = self.value()
        if value == "unverified":
            return queryset.filter(state=Case.State.CLOSED, is_unverified=True)
        return queryset.filter(state=value) if value in Case.State.values else queryset
