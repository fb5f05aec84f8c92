"""
One row for each run of a command, written while it runs by a thread with a connection of its own.

The command does not wait for the row to be there: to connect takes longer than to write. On SQLite
it does, for a moment, since the row could not be written beside a transaction of the command's. It
goes on whatever becomes of the row: a database that is away never keeps it from its work. What
could not be written waits in a file and is taken in by the next run.
"""

import logging
import os
import signal
import socket
import traceback as tracebacks
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import connections
from django.utils import timezone

from django_opskit.identity import process_name, user_name
from django_opskit.masking import mask_text
from django_system_ops.conf import get_conf
from django_system_ops.conf.runs import HistorySettings, is_named
from django_system_ops.models import CommandRun
from django_system_ops.services import history, notifying
from django_system_ops.services.origins import RunOrigin, origin_now, started_from
from django_system_ops.services.own_thread import OwnThread
from django_system_ops.services.resources import cpu_seconds, peak_memory_bytes
from django_system_ops.services.run_files import live_file, spool_file, write_json
from django_system_ops.services.texts import OutputTail, clean, one_line, plain

__all__ = ["on_command_finished", "on_command_started"]

logger = logging.getLogger(__name__)

Status = CommandRun.Status

# A command waits no longer than this for its history.
_PATIENCE_SECONDS = 2.0
# Of short runs only one in so many tidies up: it takes longer than they do.
_TIDIED_BY_EACH = 16
# Somebody in front of the admin looks at it.
_WATCHED_SECONDS = 1.0

_RUNNING: dict[UUID, "Recording"] = {}


def on_command_started(
    *, name: str, run_id: UUID, arguments: dict[str, Any], command: Any, **_facts: Any
) -> None:
    """Begin the record of a run; connected to ``command_started``."""
    try:
        conf = get_conf().history
    except ImproperlyConfigured:
        return  # said by the system check, which the command does first
    origin = origin_now(is_process=bool(command._called_from_command_line))
    # A run that was asked for in the admin has its row already, and one of the schedule is watched.
    is_wanted = is_recorded(name, conf) and not arguments.get("no_record")
    if origin.run_id is None and not is_wanted and not (origin.schedule and conf.enabled):
        return
    recording = Recording(name, run_id, arguments, command, origin, conf)
    _RUNNING[run_id] = recording
    recording.begin()


def on_command_finished(
    *,
    run_id: UUID,
    duration_seconds: float,
    exit_status: int,
    error: str,
    exception: BaseException | None,
    counters: dict[str, int],
    **_facts: Any,
) -> None:
    """End the record of a run; connected to ``command_finished``."""
    recording = _RUNNING.pop(run_id, None)
    if recording is None:
        return
    run = recording.run
    run.duration_seconds = duration_seconds
    run.exit_status = max(-(2**15), min(2**15 - 1, exit_status))
    run.error = clean(error)
    run.counters = plain(counters)
    run.status = _status(exit_status, exception)
    if exception is not None and run.status == Status.FAILED:
        text = "".join(tracebacks.format_exception(exception))
        run.traceback = clean(mask_text(text))[-recording.limit :] if recording.limit else ""
    recording.end()


def is_recorded(name: str, conf: HistorySettings) -> bool:
    """Return whether the site wants a history of the command."""
    return (
        conf.enabled and is_named(name, conf.commands) and not is_named(name, conf.except_commands)
    )


class Recording:
    """The record of one run, from its beginning to its end."""

    def __init__(
        self,
        name: str,
        run_id: UUID,
        arguments: dict[str, Any],
        command: Any,
        origin: RunOrigin,
        conf: HistorySettings,
    ) -> None:
        self._conf = conf
        self.limit = conf.output_kib * 1024
        self._tail = OutputTail(self.limit)
        self._command = command
        self._is_new = origin.run_id is None
        self._cpu_before = cpu_seconds()
        now = timezone.now()
        self.run = CommandRun(
            run_id=origin.run_id or run_id,
            name=name[:100],
            arguments=plain({k: v for k, v in arguments.items() if k not in _NOT_SHOWN}),
            is_dry_run=bool(arguments.get("dry_run")),
            source=origin.source,
            schedule=origin.schedule[:100],
            started_by=clean(origin.started_by or user_name())[:200],
            host=clean(socket.gethostname())[:255],
            pid=os.getpid(),
            process=process_name(),
            status=Status.RUNNING,
            started_at=now,
            heartbeat_at=now,
            is_stoppable=bool(command._called_from_command_line),
        )
        # What it calls comes from it, and from nowhere else.
        self._inside = started_from(RunOrigin(CommandRun.Source.PYTHON, self.run.started_by))
        self._has_stopped = self._has_tidied = self._has_complained = False
        self._thread: OwnThread | None = None

    def begin(self) -> None:
        """Listen to the command, and write the row."""
        self._inside.__enter__()
        self._command.overhear(self._tail.hear)
        connection: Any = connections[self._conf.database]
        self._is_sqlite = connection.vendor == "sqlite"
        if self._is_sqlite and connection.is_in_memory_db():
            return  # nobody else could read it
        # A thread that writes would wait for the caller's transaction, which waits for the thread.
        if not (self._is_sqlite and connection.in_atomic_block):
            self._thread = OwnThread(
                "ops-record",
                using=self._conf.database,
                tick=self._beat,
                every_seconds=self._pause,
            )
        if self._is_sqlite or self._thread is None:
            self._write(self._begin)
        else:
            self._thread.begin(self._begin_beside)

    def end(self) -> None:
        """Write how it ended, tell those who want to know, and let the thread go."""
        with suppress(ValueError):  # it ended in another context
            self._inside.__exit__(None, None, None)
        run = self.run
        run.finished_at = run.heartbeat_at = timezone.now()
        run.output = str(self._tail)
        run.peak_memory_bytes = peak_memory_bytes()
        run.cpu_seconds = round(cpu_seconds() - self._cpu_before, 3)
        is_written = self._write(self._end)
        self._tell(is_written=is_written)
        if self._thread is not None:
            self._thread.end()
        with suppress(OSError):
            live_file(run.run_id).unlink(missing_ok=True)

    def _tell(self, *, is_written: bool) -> None:
        """Tell of the end; as slow as the channels are, each of which has its deadline."""
        tell = partial(notifying.tell_of, self.run, using=self._conf.database)
        try:
            if self._thread is not None and is_written:
                self._thread.call(tell, timeout_seconds=notifying.longest_seconds())
            elif notifying.is_wanted(self.run.name):
                tell()
        except Exception:  # a notification must not break what it is about
            logger.exception("run=%s could not be told of", self.run.run_id)

    def _write(self, step: Any) -> bool:
        """Do a step over there, or leave the row in a file; return whether it was done."""
        if self._thread is not None:
            try:
                try:
                    self._thread.call(step, timeout_seconds=_PATIENCE_SECONDS)
                except DatabaseError:
                    # A session that was cut, as by a restore of the database, is not the end.
                    self._thread.call(step, timeout_seconds=_PATIENCE_SECONDS)
            except (DatabaseError, TimeoutError) as error:
                self._complain(error)
            else:
                with suppress(OSError):
                    spool_file(self.run.run_id).unlink(missing_ok=True)
                return True
        self._spool()
        return False

    def _complain(self, error: Exception) -> None:
        if self._has_complained:
            return
        self._has_complained = True
        logger.warning(
            "run=%s of %s waits in a file: the history cannot be written (%s)",
            self.run.run_id,
            self.run.name,
            mask_text(one_line(error)),
        )

    def _spool(self) -> None:
        try:
            write_json(spool_file(self.run.run_id), history.fields_of(self.run))
        except OSError as error:
            logger.error("run=%s of %s is not recorded: %s", self.run.run_id, self.run.name, error)

    def _begin_beside(self) -> None:
        try:
            self._begin()
        except DatabaseError as error:
            self._complain(error)
            self._spool()

    def _begin(self) -> None:
        history.write(self.run, using=self._conf.database, is_new=self._is_new)
        history.take_in(using=self._conf.database)

    def _end(self) -> None:
        history.write(self.run, using=self._conf.database, is_new=False)
        if self.run.run_id.int % _TIDIED_BY_EACH == 0:
            history.tidy(using=self._conf.database)

    def _pause(self) -> float:
        if self.run.source == CommandRun.Source.ADMIN:
            return min(_WATCHED_SECONDS, self._conf.heartbeat_seconds)
        return self._conf.heartbeat_seconds

    def _beat(self) -> None:
        """Say that the run lives, how far it is, and hear whether somebody wants it to stop."""
        using, run_id = self._conf.database, self.run.run_id
        state = {
            "output": str(self._tail),
            "peak_memory_bytes": peak_memory_bytes(),
            "counters": plain(dict(self._command.counters)),
        }
        if self._is_sqlite:
            write_json(live_file(run_id), state)
        else:
            history.beat(run_id, state, using=using)
        if not self._has_tidied:
            # Once, and not at the beginning: short commands are many, and would pay for it.
            self._has_tidied = True
            history.tidy(using=using)
        if self.run.is_stoppable and history.is_stop_requested(run_id, using=using):
            self._stop()

    def _stop(self) -> None:
        """End the process as ``kill`` does: the command unwinds."""
        if not self._has_stopped:
            self._has_stopped = True
            logger.warning("run=%s of %s is stopped on request", self.run.run_id, self.run.name)
            os.kill(os.getpid(), signal.SIGTERM)


# Options of every command of ours that say nothing of its work.
_NOT_SHOWN = {"no_record", "no_lock", "wait_lock", "json"}


def _status(exit_status: int, exception: BaseException | None) -> str:
    if isinstance(exception, KeyboardInterrupt):
        return Status.STOPPED
    return history.status_of(exit_status)
