"""Care for a database: statistics, indexes, dead rows, and advice with evidence."""

from django_system_ops.services.optimizing.findings import Done, Finding, Note, Step, Wishes
from django_system_ops.services.optimizing.running import optimize

__all__ = ["Done", "Finding", "Note", "Step", "Wishes", "optimize"]
