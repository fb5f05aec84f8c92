"""Rows that a synchronisation finds."""

from datetime import UTC, datetime

from factory.declarations import LazyAttribute, Sequence
from factory.django import DjangoModelFactory

from timetracker.models import TaskCache, TaskSource

YESTERDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)


class TaskSourceFactory(DjangoModelFactory[TaskSource]):
    class Meta:
        model = TaskSource

    url = Sequence(lambda n: f"https://planner-{n}.example.com/tasks")


class TaskFactory(DjangoModelFactory[TaskCache]):
    """A task as :func:`tests.timetracker.sync.servers.task` sends it, with its history."""

    class Meta:
        model = TaskCache

    external_id = Sequence(lambda n: f"T-{n + 1}")
    display_name = LazyAttribute(lambda task: f"Task {task.external_id}")
    project_phase = "Build"
    department = "Works"
    discipline = "Electrical"
    source_updated_at = YESTERDAY
    synced_at = YESTERDAY
