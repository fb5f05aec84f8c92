"""What the time tracker stores: one module per thing."""

from timetracker.models.day_summary import DaySummary
from timetracker.models.employee import Employee
from timetracker.models.task import TaskCache
from timetracker.models.task_source import SyncRun, TaskSource
from timetracker.models.time_entry import TimeEntry

__all__ = ["DaySummary", "Employee", "SyncRun", "TaskCache", "TaskSource", "TimeEntry"]
