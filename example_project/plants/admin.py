"""The plants in the admin."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from plants.models import Plant, WorkOrder

__all__ = ["PlantAdmin", "WorkOrderAdmin"]

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


@admin.register(Plant)
class PlantAdmin(_ModelAdmin):
    """The plants."""

    list_display = ("code", "name", "park", "in_service", "built_at", "quiet_until")
    search_fields = ("code", "name")


@admin.register(WorkOrder)
class WorkOrderAdmin(_ModelAdmin):
    """The work orders, which people assign and finish."""

    list_display = ("plant", "kind", "stage", "opened_at", "note")
    list_filter = ("stage",)
    list_select_related = ("plant",)
