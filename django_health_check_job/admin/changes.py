"""The changes of state in Django's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from django_health_check_job.models import StateChange
from django_opskit.keyset_admin import KeysetAdmin

__all__ = ["StateChangeAdmin"]


@admin.register(StateChange)
class StateChangeAdmin(KeysetAdmin):
    """What has changed, the newest first."""

    list_display = ("id", "check_row", "old", "new", "at", "message")
    list_display_links = ("id",)
    list_select_related = ("check_row",)
    actions = None
    change_list_template = "django_health_check_job/keyset_list.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: it is the record of what happened."""
        return False
