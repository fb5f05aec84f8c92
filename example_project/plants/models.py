"""
A schema as a company has it that never heard of us: other names, UUIDs, floats, stages.

Nothing here derives from job automation, and nothing there points here; ``adapter`` knows both.
"""

import uuid

from django.db import models

__all__ = ["OPEN_STAGES", "Plant", "Telemetry", "WorkOrder"]

#: Stages in which somebody still has to do something.
OPEN_STAGES = ("new", "assigned")


class Plant(models.Model):
    """A solar plant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    park = models.CharField(max_length=50, blank=True)
    in_service = models.BooleanField(default=True)
    built_at = models.DateTimeField(null=True, blank=True)
    quiet_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Telemetry(models.Model):
    """What a plant's register showed."""

    plant = models.ForeignKey(
        Plant, on_delete=models.SET_NULL, null=True, db_index=False, related_name="telemetry"
    )
    taken_at = models.DateTimeField()
    kwh = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "telemetry"
        indexes = [
            models.Index(fields=["plant", "-taken_at", "-kwh"], name="telemetry_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.taken_at:%Y-%m-%d %H:%M} {self.kwh}"


class WorkOrder(models.Model):
    """What has to be done at a plant."""

    STAGES = [("new", "new"), ("assigned", "assigned"), ("done", "done")]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plant = models.ForeignKey(Plant, on_delete=models.CASCADE, related_name="orders")
    kind = models.CharField(max_length=50)
    stage = models.CharField(max_length=10, choices=STAGES, default="new")
    opened_at = models.DateTimeField(auto_now_add=True)
    note = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.kind} at {self.plant}"
