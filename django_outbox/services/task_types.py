"""
Tasks and results with what the outbox can do beyond Django's API.

No model is imported here: ``@task`` makes such an object before the apps are ready.
"""

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django_outbox.services.task_api import AnyTask, AnyTaskResult

if TYPE_CHECKING:
    from django_outbox.models import OutboxJob

__all__ = ["OutboxTask", "OutboxTaskResult", "assemble", "changed"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxTask(AnyTask):
    """
    A task of the outbox.

    Django 6.1 and the backport take the options below in the decorator, ``@task(atomic=True)``;
    :meth:`with_options` sets them everywhere.

    Attributes:
        max_attempts: how often the task may be begun before it is FAILED; None leaves it to the
            backend's ``OPTIONS`` and the queue.
        dedup_key: while a task with this key is waiting, enqueueing it again returns that one,
            with its own arguments.
        group_key: tasks of one queue and group run one after the other, in their order; the
            queue needs ``LANES``.
        atomic: the task and the note that it succeeded are one transaction. It belongs to the
            declaration, and no call changes it.
    """

    max_attempts: int | None = None
    dedup_key: str | None = None
    group_key: str = ""
    atomic: bool = False

    def with_options(
        self,
        *,
        max_attempts: int | None = None,
        dedup_key: str | None = None,
        group_key: str | None = None,
        atomic: bool | None = None,
    ) -> Self:
        """Return a copy with other options; None leaves one as it is, as in ``using()``."""
        options: dict[str, Any] = {
            "max_attempts": max_attempts,
            "dedup_key": dedup_key,
            "group_key": group_key,
            "atomic": atomic,
        }
        given = {name: value for name, value in options.items() if value is not None}
        return replace(self, **given)


# The stubs have it thawed.
@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxTaskResult(AnyTaskResult):  # type: ignore[misc]
    """A result that knows its job."""

    #: As it was when the result was read.
    job: "OutboxJob" = field(repr=False, compare=False)

    @property
    def progress(self) -> Any:
        """Return what the task last said about how far it is; None when it said nothing."""
        return self.job.progress

    def cancel(self, reason: str = "cancelled") -> bool:
        """
        Cancel the task if it still waits, and return whether it did.

        A cancelled task counts as FAILED, with ``reason`` in its errors. One that runs already
        runs to its end. Call :meth:`refresh` to see what became of it.
        """
        from django_outbox.services.operations import cancel

        using = self.job._state.db
        assert using is not None, "a result's job comes from a database"
        return bool(cancel([self.job.pk], using=using, reason=reason))

    def refresh(self) -> None:
        """Read the result and its job anew."""
        self._take_over(self.task.get_backend().get_result(self.id))

    async def arefresh(self) -> None:
        """Read the result and its job anew."""
        self._take_over(await self.task.get_backend().aget_result(self.id))

    def _take_over(self, newer: AnyTaskResult) -> None:
        # All but the task, which Django's refresh() leaves alone, too.
        for one in fields(self):
            if one.name != "task":
                object.__setattr__(self, one.name, getattr(newer, one.name))


def assemble(kind: type[_T], values: dict[str, Any]) -> _T:
    """
    Make a dataclass of values that need no checks.

    ``__post_init__`` would check them: for a result that its arguments are JSON, which what
    comes from the database is, and for a task that it may be enqueued today, which need not be so
    for one that was enqueued yesterday.
    """
    made = object.__new__(kind)
    put = object.__setattr__
    for name, value in values.items():
        put(made, name, value)
    return made


def changed(task: AnyTask, changes: dict[str, Any]) -> AnyTask:
    """Return ``task`` with ``changes``, unchecked; see :func:`assemble`."""
    values = {one.name: getattr(task, one.name) for one in fields(task)}
    return assemble(type(task), values | changes)
