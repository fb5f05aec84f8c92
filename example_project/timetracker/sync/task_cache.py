"""TaskCache as a synchronisation sees it: rows read as states, changes written with history."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from timetracker.models import TaskCache
from timetracker.models.history import bulk_create_with_history, bulk_update_with_history
from timetracker.sync.engine.plan import Change, TaskState

__all__ = ["count_active", "known_tasks", "state_of", "write_changes"]

T = TypeVar("T")

_BATCH = 500


def known_tasks(
    external_ids: Collection[str], *, all_of: int | None, lock: bool
) -> dict[str, TaskCache]:
    """
    Return the tasks with these ids, and with ``all_of`` every task of that source, by their id.

    ``lock`` keeps others from changing them until the end of the transaction.
    """
    # Ordered by key, so that two who lock the same rows wait and do not block each other.
    tasks = TaskCache.objects.order_by("pk")
    if lock:
        tasks = tasks.select_for_update()
    known: dict[str, TaskCache] = {}
    if all_of is not None:
        known = {task.external_id: task for task in tasks.filter(source=all_of)}
    missing = [external_id for external_id in external_ids if external_id not in known]
    for batch in _batches(missing):
        known.update((task.external_id, task) for task in tasks.filter(external_id__in=batch))
    return known


def count_active(source: int) -> int:
    """Return how many tasks of ``source`` are active."""
    return TaskCache.objects.filter(source=source, is_active=True).count()


def state_of(task: TaskCache) -> TaskState:
    """Return what a synchronisation compares of ``task``."""
    return TaskState(
        display_name=task.display_name,
        project_phase=task.project_phase,
        department=task.department,
        discipline=task.discipline,
        is_active=task.is_active,
        source_updated_at=task.source_updated_at,
        owner=task.source_id,
    )


def write_changes(
    changes: Sequence[Change], known: Mapping[str, TaskCache], *, reason: str, now: datetime
) -> None:
    """Write ``changes`` and their history with ``reason``: a few statements per batch."""
    for batch in _batches(changes):
        new = [
            _changed(TaskCache(external_id=change.external_id), change, now)
            for change in batch
            if change.before is None
        ]
        old = [
            _changed(known[change.external_id], change, now)
            for change in batch
            if change.before is not None
        ]
        history = {"default_change_reason": reason, "default_date": now}
        if new:
            bulk_create_with_history(new, TaskCache, **history)
        if old:
            # What is the same in all rows costs one value; a bulk update costs one per row, and
            # Django's time for each, so that it is worth naming the fields that do change.
            keys = [task.pk for task in old]
            TaskCache.objects.filter(pk__in=keys).update(synced_at=now, updated_at=now)
            bulk_update_with_history(old, TaskCache, _changed_columns(batch), **history)


def _changed(task: TaskCache, change: Change, now: datetime) -> TaskCache:
    task.display_name = change.after.display_name
    task.project_phase = change.after.project_phase
    task.department = change.after.department
    task.discipline = change.after.discipline
    task.is_active = change.after.is_active
    task.source_updated_at = change.after.source_updated_at
    task.source_id = change.after.owner
    task.synced_at = now
    # Bulk updates leave auto_now alone.
    task.updated_at = now
    return task


def _changed_columns(changes: Sequence[Change]) -> list[str]:
    """Return the model's names of what changes in any of ``changes`` to known tasks."""
    names = {name for change in changes if change.before for name in change.changed_fields}
    return sorted("source" if name == "owner" else name for name in names)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
