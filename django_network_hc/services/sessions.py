"""
One session of a network at a time: the row of the session that works is the lock.

The database keeps ``active_network`` unique, so that no second session begins. One whose process
has died is known at once on the same host, and on another one when its lease is over; then it has
failed, and can be run again from the files that it was given.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from django.db import IntegrityError, transaction
from django.utils import timezone

from django_network_hc.exceptions import (
    CancelledError,
    InputError,
    NetworkHcError,
    SessionLockedError,
    SessionLostError,
    UnknownNetworkError,
    UnknownSessionError,
)
from django_network_hc.models import HealthCheckSession, Network, SessionFile
from django_network_hc.readers.cells import text
from django_network_hc.services.folders import ScriptFolder, checksum, safe_name, sync
from django_opskit.clock import ServerTime
from django_opskit.identity import is_known_dead, process_name

__all__ = [
    "Input",
    "Stream",
    "Turn",
    "cancel",
    "fail",
    "find_session",
    "keep_file",
    "open_session",
    "refuse_removed",
    "sessions_at_work",
    "take",
]

logger = logging.getLogger(__name__)

Status = HealthCheckSession.Status


class Stream(Protocol):
    """Bytes that can be read from their beginning: an open file, or one that was uploaded."""

    def read(self, size: int = ..., /) -> bytes:
        """Return the next bytes."""

    def seek(self, offset: int, whence: int = ..., /) -> object:
        """Go to a place."""

    def tell(self) -> int:
        """Return the place."""


_ATTEMPTS = 5
_LONGEST_ERROR = 5000
_OVER = (Status.COMPLETED, Status.UNDONE)


@dataclass(frozen=True)
class Input:
    """
    A file that goes into a session.

    Attributes:
        name: under which it is kept, and read.
        content: where its bytes come from.
        most_mb: a larger one is refused before it is copied.
    """

    kind: SessionFile.Kind
    name: str
    content: Path | Stream
    most_mb: float


@dataclass(frozen=True)
class Turn:
    """A session that this process works on, and the way to say how far it is."""

    session: HealthCheckSession
    lease_seconds: float
    watch: Callable[[int, str], None] | None = None

    def step(self, percent: int, text: str) -> None:
        """
        Say how far it is; the lease begins anew.

        Raises:
            CancelledError: somebody wants it to end.
            SessionLostError: another process has it.
        """
        mine = HealthCheckSession.objects.filter(
            pk=self.session.pk, status=Status.PROCESSING, holder=self.session.holder
        )
        changed = mine.update(
            progress_percentage=percent,
            current_step=text,
            expires_at=ServerTime(self.lease_seconds),
        )
        if not changed:
            raise SessionLostError(f"Session {self.session} is in other hands.")
        if mine.filter(is_cancel_requested=True).exists():
            raise CancelledError("It was cancelled.")
        if self.watch is not None:
            self.watch(percent, text)

    def end(self, status: HealthCheckSession.Status, **facts: Any) -> None:
        """
        End the session, in the caller's transaction.

        Raises:
            SessionLostError: another process has it.
        """
        mine = HealthCheckSession.objects.filter(
            pk=self.session.pk, status=Status.PROCESSING, holder=self.session.holder
        )
        values = {"status": status, "completed_at": timezone.now(), "expires_at": None, **facts}
        if not mine.update(**values):
            raise SessionLostError(f"Session {self.session} is in other hands.")
        for name, value in values.items():
            setattr(self.session, name, value)


def open_session(
    network: Network,
    inputs: list[Input],
    *,
    folder: ScriptFolder,
    initiated_by: str,
    session_type: HealthCheckSession.Type = HealthCheckSession.Type.REGULAR_PROCESSING,
) -> HealthCheckSession:
    """
    Open a session and keep the files that it is given; a file that cannot be kept makes it fail.

    Raises:
        InputError: a name leads elsewhere; the session has failed.
        OSError: there is no room for a file; the session has failed.
    """
    session = HealthCheckSession.objects.create(
        network=network,
        session_type=session_type,
        initiated_by=initiated_by[:200],
        created_at=timezone.now(),
    )
    try:
        for one in inputs:
            name = safe_name(one.name)
            target = folder.session(session.session_id) / "input" / one.kind.value.lower() / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(one, target)
            keep_file(session, target, one.kind, folder=folder)
    except BaseException as error:
        fail(session, error)
        raise
    return session


def keep_file(
    session: HealthCheckSession, path: Path, kind: SessionFile.Kind, *, folder: ScriptFolder
) -> SessionFile:
    """Write down a file that lies in the folder of a session."""
    relative = path.relative_to(folder.session(session.session_id)).as_posix()
    facts = {"kind": kind, "size": path.stat().st_size, "sha256": checksum(path)}
    file, _created = SessionFile.objects.update_or_create(
        session=session,
        path=relative,
        defaults={**facts, "created_at": timezone.now(), "removed_at": None},
    )
    return file


def take(
    session: HealthCheckSession,
    *,
    lease_seconds: float,
    watch: Callable[[int, str], None] | None = None,
) -> Turn:
    """
    Begin to work on a session, or go on with one that failed.

    Raises:
        SessionLockedError: another session of the network is at work, or another process at it.
        UnknownSessionError: it is over for good.
    """
    for _attempt in range(_ATTEMPTS):
        holder = process_name()
        free = HealthCheckSession.objects.filter(pk=session.pk).exclude(
            status__in=(*_OVER, Status.PROCESSING)
        )
        try:
            with transaction.atomic():
                # Whoever takes back the last session holds this row until that is done.
                refuse_removed(Network.objects.select_for_update().get(pk=session.network_id))
                taken = free.update(
                    status=Status.PROCESSING,
                    holder=holder,
                    expires_at=ServerTime(lease_seconds),
                    started_at=timezone.now(),
                    completed_at=None,
                    error_messages="",
                    is_cancel_requested=False,
                )
        except IntegrityError:
            taken = 0
        if taken:
            session.refresh_from_db()
            return Turn(session, lease_seconds, watch)
        session.refresh_from_db()
        if session.status in _OVER:
            raise UnknownSessionError(
                f"Session {session} is {session.get_status_display()}: it cannot run again."
            )
        others = HealthCheckSession.objects.filter(
            network=session.network_id, status=Status.PROCESSING
        )
        other = others.first()
        if other is not None and not _has_died(other):
            raise SessionLockedError(
                f"Session {other} of {session.network} is at work, started by "
                f"{other.initiated_by or 'somebody'}: {other.progress_percentage} %, "
                f"{other.current_step or 'beginning'}."
            )
    raise SessionLockedError(f"Others are at work on {session.network}, one after the other.")


def refuse_removed(network: Network) -> None:
    """
    Refuse to work on a network that was removed: another one may have its name, and its files.

    Raises:
        UnknownNetworkError: it was.
    """
    if network.removed_as:
        raise UnknownNetworkError(f"{network} was removed.")


def fail(session: HealthCheckSession, error: BaseException) -> None:
    """Write down that a session has failed, and why; unless another process has it by now."""
    is_cancelled = isinstance(error, CancelledError | KeyboardInterrupt)
    changed = HealthCheckSession.objects.filter(
        pk=session.pk, holder=session.holder, status__in=(Status.PENDING, Status.PROCESSING)
    ).update(
        status=Status.CANCELLED if is_cancelled else Status.FAILED,
        completed_at=timezone.now(),
        expires_at=None,
        error_messages=_sentence(error),
    )
    if changed:
        session.refresh_from_db()
        logger.warning("session=%s status=%s error=%s", session, session.status, _sentence(error))


def cancel(session: HealthCheckSession) -> bool:
    """
    Have a session end; return whether it was not over.

    One that waits, or whose process has died, ends at once; one at work after its present step.
    """
    waiting = HealthCheckSession.objects.filter(pk=session.pk, status=Status.PENDING)
    if waiting.update(
        status=Status.CANCELLED,
        completed_at=timezone.now(),
        error_messages="It was cancelled before it began.",
    ):
        return True
    session.refresh_from_db()
    if session.status == Status.PROCESSING and _has_died(session):
        return True
    at_work = HealthCheckSession.objects.filter(pk=session.pk, status=Status.PROCESSING)
    return bool(at_work.update(is_cancel_requested=True))


def sessions_at_work(networks: Iterable[Network]) -> list[HealthCheckSession]:
    """Return the sessions of these networks that are at work; those that have died have failed."""
    busy = HealthCheckSession.objects.filter(
        network__in=list(networks), status=Status.PROCESSING
    ).select_related("network")
    return [one for one in busy if not _has_died(one)]


def find_session(said: str) -> HealthCheckSession:
    """
    Return the session of an id, or of the beginning of one.

    Raises:
        UnknownSessionError: there is none, or there are several.
    """
    wanted = said.replace("-", "").casefold()
    if len(wanted) >= 4 and all(one in "0123456789abcdef" for one in wanted):
        # Not by a range of ids: MariaDB sorts them in an order of its own.
        ids = HealthCheckSession.objects.order_by("-pk").values_list("session_id", flat=True)
        found = [one for one in ids.iterator() if one.hex.startswith(wanted)]
        if len(found) == 1:
            return HealthCheckSession.objects.select_related("network").get(session_id=found[0])
        if found:
            names = ", ".join(map(str, found[:5]))
            raise UnknownSessionError(f"{said!r} begins several sessions: {names}.")
    raise UnknownSessionError(
        f"There is no session {said!r}: hc_monitor --action failed lists those that can run again."
    )


def _has_died(session: HealthCheckSession) -> bool:
    """Mark a session as failed whose process is gone; False when it may be at work."""
    rows = HealthCheckSession.objects.filter(
        pk=session.pk, status=Status.PROCESSING, holder=session.holder
    )
    if not is_known_dead(session.holder):
        rows = rows.filter(expires_at__lte=ServerTime(-0.001))
    died = rows.update(
        status=Status.FAILED,
        completed_at=timezone.now(),
        error_messages="Its process ended before it did; it can be run again.",
    )
    if died:
        logger.warning("session=%s was interrupted", session)
    return bool(died)


def _copy(one: Input, target: Path) -> None:
    try:
        if isinstance(one.content, Path):
            with one.content.open("rb") as source:
                _copy_stream(one, source, target)
        else:
            _copy_stream(one, one.content, target)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(one.name, f"it cannot be opened: {error.strerror}.") from error
    sync(target)


def _copy_stream(one: Input, source: Stream, target: Path) -> None:
    source.seek(0, os.SEEK_END)
    size = source.tell()
    if size > one.most_mb * 1e6:
        raise InputError(one.name, f"it has {size / 1e6:,.0f} MB; {one.most_mb:g} MB are the most.")
    source.seek(0)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file)


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "It was interrupted."
    # What came out of a file may hold what no database takes.
    said = text(str(error)).strip()[:_LONGEST_ERROR]
    if isinstance(error, NetworkHcError):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
