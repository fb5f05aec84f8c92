"""From where a command was started: what a schedule, a task or the admin says of it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django_system_ops.models import CommandRun

__all__ = ["RunOrigin", "environment_of", "origin_now", "started_from"]

Source = CommandRun.Source

_PREFIX = "OPSKIT_RUN_"


@dataclass(frozen=True)
class RunOrigin:
    """
    Where a run comes from.

    Attributes:
        source: a member of ``CommandRun.Source``.
        started_by: the user, as the admin knows them; "" for the one who runs the process.
        schedule: its name in the setting's ``schedule``.
        run_id: of the row that waits for this run.
    """

    source: str
    started_by: str = ""
    schedule: str = ""
    run_id: UUID | None = None


_ORIGIN: ContextVar[RunOrigin | None] = ContextVar("origin", default=None)


@contextmanager
def started_from(origin: RunOrigin) -> Iterator[None]:
    """Say where the commands come from that are called inside the block."""
    token = _ORIGIN.set(origin)
    try:
        yield
    finally:
        _ORIGIN.reset(token)


def origin_now(*, is_process: bool) -> RunOrigin:
    """
    Return where the run that begins now comes from.

    ``is_process``: the command was started as a program. What the environment says is meant for
    the first command of a process, not for those that it calls.
    """
    if (known := _ORIGIN.get()) is not None:
        return known
    if not is_process:
        return RunOrigin(Source.PYTHON)
    said = {key: os.environ.pop(_PREFIX + key, "") for key in ("SOURCE", "BY", "SCHEDULE", "ID")}
    source = said["SOURCE"] if said["SOURCE"] in Source.values else Source.COMMAND_LINE
    return RunOrigin(source, said["BY"], said["SCHEDULE"], _uuid(said["ID"]))


def environment_of(origin: RunOrigin) -> Mapping[str, str]:
    """Return the variables that tell a process of ours where it comes from."""
    said = {
        "SOURCE": str(origin.source),
        "BY": origin.started_by,
        "SCHEDULE": origin.schedule,
        "ID": str(origin.run_id or ""),
    }
    return {_PREFIX + key: value for key, value in said.items() if value}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
