"""
Commands that are started in the admin: which ones, queued, launched as programs, stopped.

A run is queued as a row and a task. The task starts the command as a program of its own, which
records itself under that row: it can be ended without its worker, and a worker that dies leaves
it at its work.
"""

import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import Q
from django.utils import timezone

from django_opskit.commands import OpsCommand
from django_opskit.identity import is_known_dead, process_name
from django_opskit.masking import mask_text
from django_system_ops.conf import get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.models import CommandRun
from django_system_ops.services import history, notifying
from django_system_ops.services.known_commands import is_recordable, load
from django_system_ops.services.origins import RunOrigin
from django_system_ops.services.schedules.programs import environment_for, working_directory
from django_system_ops.services.texts import clean, one_line

__all__ = [
    "DRY_RUN",
    "RUN",
    "Startable",
    "allowed",
    "launch",
    "launch_beside",
    "queue",
    "request_stop",
]

logger = logging.getLogger(__name__)

Status = CommandRun.Status

#: What a dry run begins with.
DRY_RUN = "--dry-run"

#: The permission that a list in ``admin_allow`` stands for.
RUN = "django_system_ops.run_command"

_LAST_LINES = 5
_READ_AT_MOST = 64 * 1024


@dataclass(frozen=True)
class Startable:
    """A command that the site lets people start, and the permission that it takes."""

    name: str
    permission: str

    @property
    def command(self) -> OpsCommand:
        """Return an instance of it."""
        return load(self.name)

    @property
    def help(self) -> str:
        """Return what it is for."""
        return str(self.command.help)

    @property
    def has_dry_run(self) -> bool:
        """Return whether it can be looked at before it is done."""
        return self.command.changes_data


def allowed() -> Mapping[str, Startable]:
    """Return what ``admin_allow`` names, by name; what is wrong is not in it."""
    names = get_conf().admin_allow
    pairs = names.items() if isinstance(names, Mapping) else [(name, RUN) for name in names]
    return {name: Startable(name, permission) for name, permission in pairs if is_recordable(name)}


def queue(
    name: str,
    argv: Sequence[str],
    arguments: Mapping[str, Any],
    *,
    started_by: str,
    is_dry_run: bool,
) -> CommandRun:
    """Return the row of a run that waits for its task; whoever calls this enqueues it."""
    return CommandRun.objects.using(get_conf().history.database).create(
        name=name,
        # First: behind "--" it would be an argument like others.
        argv=[DRY_RUN, *argv] if is_dry_run else list(argv),
        arguments=dict(arguments),
        is_dry_run=is_dry_run,
        source=CommandRun.Source.ADMIN,
        started_by=clean(started_by)[:200],
        status=Status.PENDING,
        queued_at=timezone.now(),
    )


def request_stop(run: CommandRun) -> bool:
    """Ask a run to end; return whether it was not over. One that waits never begins."""
    rows = CommandRun.objects.using(get_conf().history.database).filter(pk=run.pk)
    if rows.filter(status=Status.PENDING, process="").update(
        status=Status.STOPPED, is_stop_requested=True, finished_at=timezone.now()
    ):
        return True
    active = rows.filter(status__in=(Status.PENDING, Status.RUNNING))
    return bool(active.update(is_stop_requested=True))


def launch_beside(pk: int) -> threading.Thread:
    """Launch a run from a thread, for a site whose tasks would keep the request waiting."""

    def run() -> None:
        try:
            launch(pk)
        finally:
            connections.close_all()  # this thread's

    thread = threading.Thread(target=run, name=f"ops-launch-{pk}", daemon=True)
    thread.start()
    return thread


def launch(pk: int) -> str:
    """
    Start the program of a run that waits, stay until it ends, and return its status.

    A run that another has launched is left alone: tasks may be delivered twice.
    """
    rows = CommandRun.objects.using(get_conf().history.database)
    run = rows.get(pk=pk)
    unclaimed = Q(process="")
    if run.process and is_known_dead(run.process):
        unclaimed |= Q(process=run.process)
    waiting = rows.filter(unclaimed, pk=pk, status=Status.PENDING)
    if not waiting.update(process=process_name()):
        return run.status
    active = rows.filter(pk=pk, status__in=(Status.PENDING, Status.RUNNING))
    with tempfile.TemporaryFile() as errors:
        try:
            exit_status = _spawn(run, errors)
        except BaseException as error:
            reason = mask_text(one_line(error))
            active.update(status=Status.FAILED, error=reason, finished_at=timezone.now())
            raise
        # What the program could only leave in a file is the truth.
        history.take_in(using=rows.db)
        is_ended_here = active.update(**_unrecorded_end(exit_status, _tail(errors)))
    run.refresh_from_db()
    if is_ended_here:
        notifying.tell_of(run, using=rows.db)
    return run.status


def _spawn(run: CommandRun, errors: Any) -> int:
    if run.is_dry_run and run.argv[:1] != [DRY_RUN]:
        raise WrongUsageError(f"The run {run.run_id} is a dry run, and would be a real one.")
    origin = RunOrigin(CommandRun.Source.ADMIN, started_by=run.started_by, run_id=run.run_id)
    environment = {
        **os.environ,
        **environment_for(origin),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    # Words of a list, never a shell; and the name is one of those that the site allows.
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "django", run.name, *run.argv],
        cwd=working_directory(),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        # Ctrl-C at the worker, and its end, are not meant for the command.
        start_new_session=True,
    )
    return process.wait()


def _unrecorded_end(exit_status: int, said: str) -> dict[str, Any]:
    """Return what becomes of a run that did not come to recording its own end."""
    killed = f"It was killed by signal {-exit_status}." if exit_status < 0 else ""
    lines = [line for line in said.splitlines() if line.strip()]
    status = Status.LOST if exit_status < 0 else history.status_of(exit_status)
    is_good = status in (Status.SUCCEEDED, Status.FINDINGS)
    return {
        "status": status,
        "exit_status": exit_status,
        "error": killed or "\n".join(lines[-_LAST_LINES:]) or "It ended without a word."
        if not is_good
        else "",
        "finished_at": timezone.now(),
    }


def _tail(file: Any) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _READ_AT_MOST))
    return clean(mask_text(file.read().decode("utf-8", "replace")))
