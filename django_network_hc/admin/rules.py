"""Ignore rules in Django's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_network_hc.models import IgnoreRule
from django_opskit.history_admin import EditHistoryMixin
from django_opskit.model_admin import AnyModelAdmin

__all__ = ["IgnoreRuleAdmin"]

_ALWAYS = ("reason", "owner", "expires_on")


class HitFilter(admin.SimpleListFilter):
    """Rules that take nothing are to be thrown away."""

    title = _("hits")
    parameter_name = "hit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the two kinds."""
        return [("now", _("in the last report")), ("never", _("never"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the rules of a kind."""
        if self.value() == "now":
            return queryset.filter(hits__gt=0)
        return queryset.filter(last_hit_on=None) if self.value() == "never" else queryset


@admin.register(IgnoreRule)
class IgnoreRuleAdmin(EditHistoryMixin, AnyModelAdmin):
    """What is ignored; rules of files come and go with their lines."""

    list_display = ("__str__", "network", "scope", "source", "hits", "last_hit_on", "expires_on")
    list_select_related = ("network",)
    list_filter = (HitFilter, "scope", "source", "network")
    search_fields = ("test", "text", "=hc_id")
    fields = ("network", "scope", "test", "hc_id", "priority", "text", *_ALWAYS, "source")
    readonly_fields = ("source",)
    edit_history_template = "django_network_hc/rule_history.html"
    show_full_result_count = False

    class Media:
        css = {"all": ("django_network_hc/admin.css",)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return what a file says, for a rule of a file."""
        if obj is None or obj.source == IgnoreRule.Source.HERE:
            return self.readonly_fields
        return tuple(name for name in self.fields if name not in _ALWAYS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no to a rule of a file: it would be there again with the next report."""
        if obj is not None and obj.source != IgnoreRule.Source.HERE:
            return False
        return super().has_delete_permission(request, obj)
