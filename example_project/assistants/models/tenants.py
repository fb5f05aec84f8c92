"""Whose assistants they are."""

from django.core.validators import validate_slug
from django.db import models

from django_opskit.fields import KeyField

__all__ = ["Tenant"]


class Tenant(models.Model):
    """A company with assistants of its own."""

    name = models.CharField(max_length=100)
    slug = KeyField(max_length=50, unique=True, validators=[validate_slug])
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name
