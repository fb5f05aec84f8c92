"""Nodes and inventory in Django's admin: to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_network_hc.admin.filters import NetworkFilter
from django_network_hc.models import InventoryItem, Node, NodeRun
from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["InventoryItemAdmin", "NodeAdmin"]


class _ItemNetworkFilter(NetworkFilter):
    field = "session__network"


class _Runs(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs alone
    model = NodeRun
    fields = readonly_fields = ("report_on", "tested_on", "said", "annotation")
    extra = 0
    can_delete = False
    ordering = ("-report_on",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _Record(KeysetAdmin):
    actions = None
    change_list_template = "django_network_hc/keyset_list.html"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Node)
class NodeAdmin(_Record):
    """The nodes, with what each report said of one."""

    list_display = ("hc_id", "network", "location", "sid", "kind", "pss_type")
    list_select_related = ("network",)
    list_filter = (NetworkFilter,)
    filter_parameters = ("network",)
    search_fields = ("=hc_id", "=sid", "=location")
    search_help_text = _("An HC id, a SID or a location, as they are written.")
    inlines = (_Runs,)


@admin.register(InventoryItem)
class InventoryItemAdmin(_Record):
    """The boards of the last reports."""

    list_display = ("id", "session", "hc_id", "mnemonic", "shelf_type", "serial")
    list_select_related = ("session",)
    list_filter = (_ItemNetworkFilter,)
    filter_parameters = ("network",)
    search_fields = ("=serial",)
    search_help_text = _("A serial number, as it is written.")
