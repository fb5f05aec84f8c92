"""What agents know, and the files that it comes from."""

from django.core.validators import validate_slug
from django.db import models
from django.utils import timezone

from assistants.models.tenants import Tenant
from django_opskit.fields import KeyField

__all__ = ["Document", "KnowledgeItem"]


class KnowledgeItem(models.Model):
    """An answer that is worth keeping."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, related_name="knowledge", db_index=False
    )
    slug = KeyField(max_length=100, validators=[validate_slug])
    title = models.CharField(max_length=200)
    content = models.TextField()
    category = models.CharField(max_length=50, blank=True)
    language = models.CharField(max_length=10, default="en")
    # Of the form that the row is in, not of its text: see migrate_knowledge_base.
    version = models.CharField(max_length=20, default="1.0")
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("tenant", "slug")
        indexes = [
            models.Index(fields=["tenant", "updated_at"], name="assistants_item_changed"),
            models.Index(fields=["updated_at"], name="assistants_item_date"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="assistants_item_slug"),
        ]

    def __str__(self) -> str:
        return self.title


class Document(models.Model):
    """A file of a tenant; one number for each version of an item's."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="documents")
    item = models.ForeignKey(
        KnowledgeItem,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="documents",
        db_index=False,
    )
    number = models.PositiveIntegerField(default=1)
    file = models.FileField(upload_to="documents")
    checksum = models.CharField(max_length=64, blank=True, help_text="SHA-256 in hexadecimal.")
    uploaded_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="assistants_document_number"),
            models.CheckConstraint(
                condition=models.Q(number__gte=1), name="assistants_document_numbered"
            ),
        ]

    def __str__(self) -> str:
        return str(self.file)
