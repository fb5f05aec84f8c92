"""Django's admin: the history of commands, starting one, and what commands have written."""

from django_system_ops.admin.imports import ImportCheckpointAdmin
from django_system_ops.admin.runs import CommandRunAdmin
from django_system_ops.admin.sentiment import SentimentAggregateAdmin, SentimentScoreAdmin

__all__ = [
    "CommandRunAdmin",
    "ImportCheckpointAdmin",
    "SentimentAggregateAdmin",
    "SentimentScoreAdmin",
]
