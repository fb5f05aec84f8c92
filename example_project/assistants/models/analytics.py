"""What happened, as it is counted."""

from django.db import models
from django.utils import timezone

from assistants.models.agents import Agent
from assistants.models.tenants import Tenant

__all__ = ["AnalyticsEvent"]


class AnalyticsEvent(models.Model):
    """Something that happened at a moment."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    agent = models.ForeignKey(
        Agent, on_delete=models.SET_NULL, null=True, blank=True, related_name="events"
    )
    name = models.CharField(max_length=50)
    payload = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-pk",)
        indexes = [
            models.Index(fields=["tenant", "created_at"], name="assistants_event_tenant"),
            models.Index(fields=["created_at"], name="assistants_event_date"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.created_at:%Y-%m-%d %H:%M}"
