"""The plants in the admin."""

from django.contrib import admin

from django_opskit.model_admin import AnyModelAdmin
from plants.models import Plant, WorkOrder

__all__ = ["PlantAdmin", "WorkOrderAdmin"]


@admin.register(Plant)
class PlantAdmin(AnyModelAdmin):
    """The plants."""

    list_display = ("code", "name", "park", "in_service", "built_at", "quiet_until")
    search_fields = ("code", "name")


@admin.register(WorkOrder)
class WorkOrderAdmin(AnyModelAdmin):
    """The work orders, which people assign and finish."""

    list_display = ("plant", "kind", "stage", "opened_at", "note")
    list_filter = ("stage",)
    list_select_related = ("plant",)
