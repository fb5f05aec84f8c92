"""Filters of the history."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

__all__ = ["NameFilter"]

_MOST_NAMES = 60


class NameFilter(admin.SimpleListFilter):
    """By command: those that have ever run."""

    title = _("command")
    parameter_name = "command"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the names, each found by one step along an index: DISTINCT reads every row."""
        names: list[str] = []
        rows = model_admin.get_queryset(request).order_by("name").values_list("name", flat=True)
        while len(names) < _MOST_NAMES:
            following = rows.filter(name__gt=names[-1]) if names else rows
            name = following.first()
            if name is None:
                break
            names.append(name)
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return its runs."""
        return queryset.filter(name=self.value()) if self.value() else queryset

    def candidates(self, rows: QuerySet[Any]) -> QuerySet[Any] | None:
        """Return its runs along the index, for the pages."""
        return rows.filter(name=self.value()) if self.value() else None
