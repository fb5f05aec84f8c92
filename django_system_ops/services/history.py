"""The history of runs: written, kept tidy, and asked."""

import logging
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError
from django.db import IntegrityError, connections, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from django_opskit.clock import ServerTime
from django_opskit.commands import ExitStatus
from django_opskit.identity import is_known_alive, is_known_dead
from django_system_ops.conf import get_conf
from django_system_ops.models import CommandRun
from django_system_ops.services import notifying
from django_system_ops.services.run_files import (
    live_file,
    read_json,
    spooled_files,
)

__all__ = [
    "beat",
    "fields_of",
    "is_stop_requested",
    "live_state",
    "mark_lost",
    "prune",
    "settle_restored",
    "status_of",
    "take_in",
    "tidy",
    "write",
]

logger = logging.getLogger(__name__)

Status = CommandRun.Status

_STATUS_OF: dict[int, str] = {
    ExitStatus.DONE: Status.SUCCEEDED,
    ExitStatus.USAGE: Status.REFUSED,
    ExitStatus.FINDINGS: Status.FINDINGS,
    ExitStatus.LOCK_HELD: Status.LOCKED,
}

# Not the run's to say.
_OTHERS = {"id", "run_id", "argv", "queued_at", "is_stop_requested"}
_PRUNE_AT_ONCE = 1000
_ACTIVE = (Status.PENDING, Status.RUNNING, Status.LOST)


def status_of(exit_status: int) -> str:
    """Return what a run was that ended with an exit status."""
    return _STATUS_OF.get(exit_status, Status.FAILED)


def fields_of(run: CommandRun) -> dict[str, Any]:
    """Return a row as a file has it."""
    return {field.attname: getattr(run, field.attname) for field in CommandRun._meta.fields}


def write(run: CommandRun, *, using: str, is_new: bool) -> None:
    """
    Insert the row of a run, or bring it up to date.

    What is over stays as it is, unless it was only taken for lost.
    """
    values = {key: value for key, value in fields_of(run).items() if key not in _OTHERS}
    rows = CommandRun.objects.using(using)
    if run.status == Status.RUNNING:
        values["heartbeat_at"] = ServerTime()
    active = rows.filter(run_id=run.run_id, status__in=_ACTIVE)
    if not is_new and active.update(**values):
        return
    try:
        with transaction.atomic(using=using):
            rows.create(run_id=run.run_id, **values)
    except IntegrityError:
        active.update(**values)


def beat(run_id: UUID, state: dict[str, Any], *, using: str) -> None:
    """Say that a run lives; one that was taken for lost is found again."""
    CommandRun.objects.using(using).filter(
        run_id=run_id, status__in=(Status.RUNNING, Status.LOST)
    ).update(status=Status.RUNNING, finished_at=None, error="", heartbeat_at=ServerTime(), **state)


def is_stop_requested(run_id: UUID, *, using: str) -> bool:
    """Return whether somebody wants the run to end."""
    return CommandRun.objects.using(using).filter(run_id=run_id, is_stop_requested=True).exists()


def live_state(run: CommandRun) -> dict[str, Any]:
    """Return what a run that is at work says of itself: output, counters, peak memory."""
    on_file = read_json(live_file(run.run_id)) if not run.is_over else None
    return on_file or {
        "output": run.output,
        "counters": run.counters,
        "peak_memory_bytes": run.peak_memory_bytes,
    }


def tidy(*, using: str) -> None:
    """Take in what waits in files, mark what is lost, and forget what is old; never fails."""
    try:
        take_in(using=using)
        mark_lost(using=using)
        prune(using=using)
    except (DatabaseError, OSError):
        logger.warning("the history could not be tidied up", exc_info=True)


def take_in(*, using: str) -> int:
    """Write the rows that wait in files, of runs that are over or dead; return how many."""
    taken = 0
    for path in spooled_files():
        run = _read(path)
        if run is None:
            with suppress(OSError):
                path.replace(path.with_suffix(".unreadable"))
            logger.warning("file=%s holds no run: it was set aside", path)
            continue
        if not run.is_over and not _has_died(run, path):
            continue
        has_died = not run.is_over
        if has_died:
            _call_lost(run)
        write(run, using=using, is_new=False)
        if has_died:
            notifying.tell_of(run, using=using)
        # One that another user has left here is taken in again, which changes nothing.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        taken += 1
    return taken


def mark_lost(*, using: str) -> list[CommandRun]:
    """Mark the runs that have died without a word, tell of them, and return them."""
    conf = get_conf().history
    is_sqlite = connections[using].vendor == "sqlite"
    # One that waits has a process when somebody was about to launch it.
    begun = Q(status=Status.RUNNING) | (Q(status=Status.PENDING) & ~Q(process=""))
    running = CommandRun.objects.using(using).filter(begun)
    silent = Q(heartbeat_at__lt=ServerTime(-conf.lost_after_seconds))
    found = running.annotate(
        is_silent=ExpressionWrapper(silent, output_field=BooleanField()),
    )
    lost = []
    for run in found:
        is_silent = bool(getattr(run, "is_silent"))  # noqa: B009  # an annotation's
        if is_silent and is_sqlite:
            # The file may be another user's.
            lives = is_known_alive(run.process)
            is_silent = not (lives or _is_fresh(live_file(run.run_id), conf.lost_after_seconds))
        if not is_silent and not is_known_dead(run.process):
            continue
        state = live_state(run)
        _call_lost(run)
        # A run that lives after all says so at its next heartbeat.
        changed = running.filter(pk=run.pk).update(
            status=run.status, error=run.error, finished_at=run.finished_at, **state
        )
        if changed:
            with suppress(OSError):
                live_file(run.run_id).unlink(missing_ok=True)
            lost.append(run)
            notifying.tell_of(run, using=using)
    return lost


def prune(*, using: str) -> int:
    """Forget runs that were over before the days that are kept, some at a time."""
    before = timezone.now() - timedelta(days=get_conf().history.keep_days)
    rows = CommandRun.objects.using(using)
    old = rows.filter(finished_at__lt=before).order_by("finished_at")
    keys = list(old.values_list("pk", flat=True)[:_PRUNE_AT_ONCE])
    return rows.filter(pk__in=keys).delete()[0] if keys else 0


def _read(path: Path) -> CommandRun | None:
    values = read_json(path)
    if values is None:
        return None
    fields = {field.attname: field for field in CommandRun._meta.fields}
    try:
        return CommandRun(**{name: fields[name].to_python(value) for name, value in values.items()})
    except (KeyError, ValueError, TypeError, ValidationError):
        return None


def settle_restored(backup: str, *, using: str) -> None:
    """
    Close the runs that were at work when a backup was made, in the database that came out of it.

    How they ended stands in the database that made way. Nobody is to be told that they are lost.
    """
    table = CommandRun._meta.db_table
    with suppress(DatabaseError):
        if table in connections[using].introspection.table_names():
            CommandRun.objects.using(using).filter(
                status__in=(Status.PENDING, Status.RUNNING)
            ).update(
                status=Status.STOPPED,
                finished_at=timezone.now(),
                error=f"It was at work when the backup {backup} was made, which was restored.",
            )


def _has_died(run: CommandRun, path: Path) -> bool:
    if is_known_dead(run.process):
        return True
    conf = get_conf().history
    return not any(_is_fresh(one, conf.lost_after_seconds) for one in (path, live_file(run.run_id)))


def _is_fresh(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime < seconds
    except PermissionError:
        return True  # who may not look cannot say that it is dead
    except OSError:
        return False


def _call_lost(run: CommandRun) -> None:
    run.status = Status.LOST
    run.finished_at = run.heartbeat_at or timezone.now()
    run.error = "It has ended without a word: killed, or its host has gone down."
