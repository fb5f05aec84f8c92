"""Who answers, and with which tools."""

from django.core.validators import validate_slug
from django.db import models

from assistants.models.tenants import Tenant
from django_opskit.fields import KeyField

__all__ = ["Agent", "Tool"]


class Tool(models.Model):
    """What agents may use; no tenant's."""

    name = KeyField(max_length=50, unique=True)
    config = models.JSONField(default=dict, blank=True)
    api_key = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Agent(models.Model):
    """An assistant of a tenant."""

    # No index of its own: the unique constraint below starts with the tenant.
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="agents", db_index=False
    )
    slug = KeyField(max_length=50, validators=[validate_slug])
    name = models.CharField(max_length=100)
    model = models.CharField(max_length=100, default="house-large")
    system_prompt = models.TextField(blank=True)
    tools = models.ManyToManyField(Tool, related_name="agents", blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ("tenant", "slug")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="assistants_agent_slug"),
        ]

    def __str__(self) -> str:
        return self.name
