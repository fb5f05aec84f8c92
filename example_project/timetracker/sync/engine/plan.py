"""What a synchronisation has to change: the tasks as delivered against the tasks as known."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import StrEnum

__all__ = [
    "Action",
    "Change",
    "Delivery",
    "Plan",
    "Rejection",
    "TaskState",
    "is_too_many",
    "latest_of_each",
    "plan_changes",
]


@dataclass(frozen=True, slots=True)
class TaskState:
    """What a synchronisation knows of a task; ``owner`` is the source that delivers it."""

    display_name: str
    project_phase: str
    department: str
    discipline: str
    is_active: bool
    source_updated_at: datetime | None
    owner: int | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record of an answer; ``state`` is None for the tombstone of a deleted task."""

    external_id: str
    updated_at: datetime
    state: TaskState | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that could not be taken over: which one, and why."""

    record: str
    reason: str


class Action(StrEnum):
    """What happens to a task."""

    ADDED = "added"
    UPDATED = "updated"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True)
class Change:
    """One task that becomes different; ``before`` is None for a new one."""

    external_id: str
    before: TaskState | None
    after: TaskState

    @property
    def action(self) -> Action:
        """What the change amounts to."""
        if self.before is None:
            return Action.ADDED
        if self.before.is_active and not self.after.is_active:
            return Action.DEACTIVATED
        return Action.UPDATED

    @property
    def changed_fields(self) -> list[str]:
        """The names of the fields that differ; all of them for a new task."""
        names = [field.name for field in fields(TaskState)]
        if self.before is None:
            return names
        return [name for name in names if getattr(self.before, name) != getattr(self.after, name)]


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, in the order of delivery, vanished tasks last."""

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    rejections: tuple[Rejection, ...] = ()

    def count(self, action: Action) -> int:
        """Return how many changes are of this kind."""
        return sum(change.action is action for change in self.changes)


def latest_of_each(deliveries: Iterable[Delivery]) -> dict[str, Delivery]:
    """
    Return one delivery per task: the newest, and of equally old ones the last.

    A task that changes while a list is read page by page moves to the end of it, and so may
    be delivered twice.
    """
    latest: dict[str, Delivery] = {}
    for delivery in deliveries:
        seen = latest.get(delivery.external_id)
        if seen is None or seen.updated_at <= delivery.updated_at:
            latest[delivery.external_id] = delivery
    return latest


def plan_changes(
    deliveries: Collection[Delivery],
    known: Mapping[str, TaskState],
    *,
    owner: int,
    vanished: Collection[str] = (),
    take_older: bool,
) -> Plan:
    """
    Compare what was delivered with what is known.

    A task without an owner, from a time before synchronisation, is taken over; one of another
    owner is rejected, because two sources would undo each other's changes for ever.

    Args:
        deliveries: at most one per task.
        known: the tasks that we have, by their id there.
        owner: the source that delivered.
        vanished: known tasks of this owner that a complete list no longer holds.
        take_older: take a record over although we know a newer one; a complete list is
            the truth, while a part of it may come from a copy that lags behind.
    """
    changes: list[Change] = []
    rejections: list[Rejection] = []
    unchanged = 0
    for delivery in deliveries:
        before = known.get(delivery.external_id)
        if before is not None and before.owner not in {None, owner}:
            reason = "another source delivers a task of this id"
            rejections.append(Rejection(f"task {delivery.external_id!r}", reason))
            continue
        after = _after(delivery, before, owner=owner, take_older=take_older)
        if after is None or after == before:
            unchanged += 1
        else:
            changes.append(Change(delivery.external_id, before, after))
    for external_id in vanished:
        before = known[external_id]
        changes.append(Change(external_id, before, replace(before, is_active=False)))
    return Plan(tuple(changes), unchanged, tuple(rejections))


def is_too_many(deactivated: int, active: int, *, percent: int) -> bool:
    """Say whether ``deactivated`` of ``active`` tasks are more than ``percent`` of them."""
    return deactivated * 100 > active * percent


def _after(
    delivery: Delivery, before: TaskState | None, *, owner: int, take_older: bool
) -> TaskState | None:
    """Return what the task becomes, or None when the delivery says nothing new."""
    if before is None:
        return delivery.state
    known_at = before.source_updated_at
    if not take_older and known_at is not None and delivery.updated_at < known_at:
        return None
    if delivery.state is not None:
        return delivery.state
    # A tombstone says that the task is gone, and nothing of what it was called last.
    return replace(before, is_active=False, source_updated_at=delivery.updated_at, owner=owner)
