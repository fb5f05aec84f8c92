"""What the machine, the database and the site do over a while, measured against their limits."""

from django_system_ops.services.performance.monitoring import (
    PerformanceMonitor,
    PerformanceReport,
    Sample,
)
from django_system_ops.services.performance.sampling import unfinished
from django_system_ops.services.performance.sources import Source, sources

__all__ = ["PerformanceMonitor", "PerformanceReport", "Sample", "Source", "sources", "unfinished"]
