"""The tables of the app."""

from django_system_ops.models.imports import ImportCheckpoint
from django_system_ops.models.locks import CommandLock
from django_system_ops.models.runs import CommandRun, CommandRunQuerySet
from django_system_ops.models.schedules import ScheduleState
from django_system_ops.models.seeding import SeededRange, SeededRow
from django_system_ops.models.sentiment import (
    SentimentAggregate,
    SentimentLabel,
    SentimentScore,
)
from django_system_ops.models.tenant_moves import TenantMove, TenantMoveRow

__all__ = [
    "CommandLock",
    "CommandRun",
    "CommandRunQuerySet",
    "ImportCheckpoint",
    "ScheduleState",
    "SeededRange",
    "SeededRow",
    "SentimentAggregate",
    "SentimentLabel",
    "SentimentScore",
    "TenantMove",
    "TenantMoveRow",
]
