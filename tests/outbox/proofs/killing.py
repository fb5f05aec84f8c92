"""
A worker that kills itself at a moment that nobody could hit from outside.

``OPSKIT_KILL_AT`` names the moment as ``<statement>:<when>``, and ``OPSKIT_KILL_ARMED`` a file:
from the moment when that file exists, the next such statement ends the process with SIGKILL.
"""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

__all__ = ["MOMENTS", "install", "kill_environment"]

_STATEMENTS = {
    "claim": re.compile(r"claim_no = claim_no \+ 1"),
    "ack": re.compile(r"SET status = 'COMPLETED'"),
    "heartbeat": re.compile(r"""UPDATE ["`]outbox_job["`] SET ["`]lease_until["`] ="""),
}

#: Before the statement is sent; when it is executed; when it is committed, too.
MOMENTS = [
    *(f"claim:{when}" for when in ("before", "executed", "committed")),
    *(f"ack:{when}" for when in ("before", "committed")),
    *(f"heartbeat:{when}" for when in ("before", "committed")),
]


def kill_environment(moment: str, armed: Path) -> dict[str, str]:
    """Return what makes a worker process kill itself at ``moment``, once ``armed`` exists."""
    assert moment in MOMENTS
    return {"OPSKIT_KILL_AT": moment, "OPSKIT_KILL_ARMED": str(armed)}


def install() -> None:
    """Lie in wait on every connection of this process, if the environment asks for it."""
    if moment := os.environ.get("OPSKIT_KILL_AT"):
        _Trap(moment, Path(os.environ["OPSKIT_KILL_ARMED"])).set_up()


class _Trap:
    def __init__(self, moment: str, armed: Path) -> None:
        statement, _, self.when = moment.partition(":")
        self.pattern = _STATEMENTS[statement]
        self.armed = armed
        self.uncommitted: BaseDatabaseWrapper | None = None

    def set_up(self) -> None:
        for connection in connections.all(initialized_only=True):
            self._watch(connection)
        connection_created.connect(
            lambda connection, **facts: self._watch(connection), weak=False, dispatch_uid="trap"
        )
        commit = BaseDatabaseWrapper.commit

        def commit_and_die(connection: BaseDatabaseWrapper) -> None:
            commit(connection)
            if connection is self.uncommitted:
                _die()

        BaseDatabaseWrapper.commit = commit_and_die  # type: ignore[assignment,method-assign]

    def _watch(self, connection: BaseDatabaseWrapper) -> None:
        if self._execute not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._execute)

    def _execute(
        self,
        execute: Callable[..., Any],
        sql: str,
        params: Any,
        many: bool,
        context: dict[str, Any],
    ) -> Any:
        is_it = bool(self.pattern.search(sql)) and self.armed.exists()
        if is_it and self.when == "before":
            _die()
        result = execute(sql, params, many, context)
        if is_it:
            connection = context["connection"]
            if self.when == "executed" or not connection.in_atomic_block:
                _die()
            self.uncommitted = connection
        return result


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal comes to the process, which may be busy in another thread
