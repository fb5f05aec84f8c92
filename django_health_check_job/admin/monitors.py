"""The leading monitor in Django's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from django_health_check_job.models import MonitorLease
from django_opskit.readonly_admin import ReadOnlyAdmin

__all__ = ["MonitorLeaseAdmin"]


@admin.register(MonitorLease)
class MonitorLeaseAdmin(ReadOnlyAdmin):
    """Who leads among the monitors, or led last."""

    list_display = ("holder", "is_alive", "acquired_at", "expires_at", "fence")
    readonly_fields = ("is_alive",)
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say no: its number has to grow with every leader."""
        return False

    @admin.display(description=gettext_lazy("at work"), boolean=True)
    def is_alive(self, lease: MonitorLease) -> bool:
        """Return whether the lease still holds."""
        return lease.expires_at > timezone.now()
