"""A table for the fields of the ground floor."""

from django.db import models

from django_opskit.fields import KeyField


class Keyed(models.Model):
    """A row that is found by its key."""

    key = KeyField(max_length=64, unique=True)
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, to_field="key", null=True, related_name="children"
    )
    optional = KeyField(max_length=64, null=True)

    def __str__(self) -> str:
        return self.key
