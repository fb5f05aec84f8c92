"""What a synchronisation did, or would do."""

from dataclasses import dataclass

from timetracker.sync.engine.plan import Action, Change, Plan, Rejection

__all__ = ["SyncReport"]


@dataclass(frozen=True, kw_only=True)
class SyncReport:
    """
    The outcome of a run that succeeded; of a dry run, what it would have been.

    Attributes:
        source: the address.
        mode: "full" or "incremental".
        fell_back: an incremental run was asked for and could not be.
        not_modified: the source said that nothing has changed.
        left_active: tasks that the whole list no longer held, and that were left alone
            because a record without an id may have been one of them.
        run_id: the row in SyncRun; None after a dry run, which leaves none.
    """

    source: str
    mode: str
    dry_run: bool
    fell_back: bool
    not_modified: bool
    plan: Plan
    left_active: int
    run_id: int | None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every task that became different."""
        return self.plan.changes

    @property
    def added(self) -> int:
        """How many tasks are new."""
        return self.plan.count(Action.ADDED)

    @property
    def updated(self) -> int:
        """How many tasks changed and were not deactivated."""
        return self.plan.count(Action.UPDATED)

    @property
    def deactivated(self) -> int:
        """How many tasks were active and are no longer."""
        return self.plan.count(Action.DEACTIVATED)

    @property
    def unchanged(self) -> int:
        """How many delivered tasks were as we knew them."""
        return self.plan.unchanged

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """Every record that could not be taken over, and why."""
        return self.plan.rejections

    @property
    def rejected(self) -> int:
        """How many records could not be taken over."""
        return len(self.rejections)

    def counters(self) -> dict[str, int]:
        """Return the five numbers."""
        names = ("added", "updated", "deactivated", "unchanged", "rejected")
        return {name: getattr(self, name) for name in names}
