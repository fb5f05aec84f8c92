"""
Two runs of one command do not meet.

On PostgreSQL and MariaDB the lock is the server's own and belongs to a session: it is free the
moment its holder dies, ``kill -9`` included. On SQLite, and behind a pooler that gives each
transaction another session, it is a lease: a row that its holder renews, and that another takes
over when it is not renewed or when its holder is known to be dead. Whoever loses it hears so at
:meth:`Lock.check`, before the next batch.
"""

import hashlib
import logging
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Protocol

from django.db import Error as DatabaseError
from django.db import IntegrityError, connections, models, transaction
from django.db.models import F, Q
from django.utils.timezone import localtime

from django_opskit.clock import ServerTime
from django_opskit.identity import is_known_dead, process_name, user_name
from django_system_ops.conf import get_conf
from django_system_ops.exceptions import LockHeldError, LockLostError
from django_system_ops.models import CommandLock
from django_system_ops.services.own_thread import OwnThread
from django_system_ops.services.texts import clean

__all__ = ["Lock", "command_lock"]

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.2
_LONGEST_KEY = 200
_PART = ":"


class Lock:
    """
    The lock of a run, on one key or several; use :func:`command_lock`.

    Attributes:
        keys: in the order in which they are taken, the same for everybody.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        conf = get_conf().locks
        self.keys = sorted({_fitting(key) for key in keys})
        self._using = conf.database
        self._lease_seconds = conf.lease_seconds
        self._process = process_name()
        self._fences: dict[str, int] = {}
        self._is_lost = False
        self._renewed_at = time.monotonic()
        vendor = connections[self._using].vendor
        self._session = _SESSION_LOCKS.get(vendor) if conf.kind == "session" else None
        self._thread = OwnThread(
            "ops-lock", using=self._using, tick=self._renew, every_seconds=self._pause
        )

    def acquire(self, wait_seconds: float = 0.0) -> None:
        """
        Take all keys, or none.

        Raises:
            LockHeldError: it names who holds which since when.
            DatabaseError: the database is away.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            taken = self._thread.call(self._take_all)
            if taken is None:
                return
            if (left := deadline - time.monotonic()) <= 0:
                raise LockHeldError(self._thread.call(partial(_who, self._using, taken)))
            time.sleep(min(_LOOK_EVERY_SECONDS, left))

    def check(self) -> None:
        """
        Do nothing while the lock is ours; call it before each batch.

        Raises:
            LockLostError: it is another's, or may be.
        """
        if self._session is None and self._seconds_left() <= 0:
            # Whoever was busy for longer than the lease may have lost it without having heard.
            with suppress(DatabaseError, TimeoutError):
                self._thread.call(self._renew, timeout_seconds=self._lease_seconds)
            self._is_lost |= self._seconds_left() <= 0
        if self._is_lost:
            raise LockLostError(
                f"The lock {', '.join(self.keys)} was lost: the database was away for too long, "
                "or another run took over. Nothing is done beyond what is done; run it again."
            )

    def _seconds_left(self) -> float:
        return self._renewed_at + self._lease_seconds - time.monotonic()

    def release(self) -> None:
        """Give back all keys and hang up; never fails, since the server forgets us anyway."""
        with suppress(DatabaseError, TimeoutError):
            self._thread.call(self._give_back, timeout_seconds=5)
        self._thread.end()

    def _take_all(self) -> str | None:
        """Return the key that somebody else has; None when all are ours."""
        self._renewed_at = time.monotonic()
        for key in self.keys:
            if not self._take(key):
                self._give_back()
                return key
        # Ours first, and then a look at theirs: of two at once one at least sees the other.
        for key in self.keys:
            if (other := self._other(key)) is not None:
                self._give_back()
                return other
        return None

    def _other(self, key: str) -> str | None:
        """
        Return the key of somebody who is at work on what ``key`` is a part of, or the whole of.

        ``name`` is the whole of a command's work, and ``name:tenant`` a part of it.
        """
        whole, _, part = key.partition(_PART)
        rows = CommandLock.objects.using(self._using).exclude(process="")
        rows = rows.filter(key=whole) if part else rows.filter(key__startswith=f"{whole}{_PART}")
        for other in rows.exclude(key__in=self.keys):
            if self._is_held(other):
                return other.key
        return None

    def _is_held(self, row: CommandLock) -> bool:
        if self._session is not None:
            return self._session.is_held(row.key, self._using)
        is_running = CommandLock.objects.using(self._using).filter(
            pk=row.pk, fence=row.fence, expires_at__gt=ServerTime()
        )
        return is_running.exists() and not is_known_dead(row.process)

    def _take(self, key: str) -> bool:
        rows = CommandLock.objects.using(self._using)
        with suppress(IntegrityError), transaction.atomic(using=self._using):
            if not rows.filter(key=key).exists():
                rows.create(key=key)
        free = Q()
        if self._session is not None:
            if not self._session.take(key, self._using):
                return False
        else:
            free = Q(expires_at=None) | Q(expires_at__lte=ServerTime())
            row = rows.get(key=key)
            if row.process and is_known_dead(row.process):
                free |= Q(fence=row.fence)
        taken = rows.filter(free, key=key).update(
            fence=F("fence") + 1,
            process=self._process,
            holder=_myself(),
            acquired_at=ServerTime(),
            expires_at=self._expiry(),
        )
        if not taken:
            return False
        self._fences[key] = rows.values_list("fence", flat=True).get(key=key)
        return True

    def _give_back(self) -> None:
        rows = CommandLock.objects.using(self._using)
        for key, fence in self._fences.items():
            rows.filter(key=key, fence=fence, process=self._process).update(
                process="", holder="", acquired_at=None, expires_at=None
            )
            if self._session is not None:
                self._session.give_back(key, self._using)
        self._fences.clear()

    def _pause(self) -> float:
        return self._lease_seconds / 4

    def _renew(self) -> None:
        """Tell the database that we live: renew the lease, or keep the session from idling out."""
        if not self._fences:
            return
        try:
            rows = CommandLock.objects.using(self._using)
            if self._session is not None:
                # Only a session that holds the lock can say so; one that was cut is another.
                self._is_lost |= not all(
                    self._session.is_ours(key, self._using) for key in self._fences
                )
                return
            begun = time.monotonic()
            for key, fence in self._fences.items():
                renewed = rows.filter(key=key, fence=fence, process=self._process).update(
                    expires_at=self._expiry()
                )
                self._is_lost |= not renewed
            self._renewed_at = begun
        except DatabaseError:
            # A lease may have time left, and on SQLite the command itself may hold the file.
            if self._session is not None:
                self._is_lost = True
            else:
                logger.info("lock=%s could not be renewed", self.keys, exc_info=True)

    def _expiry(self) -> ServerTime | None:
        return None if self._session is not None else ServerTime(self._lease_seconds)


@contextmanager
def command_lock(keys: Sequence[str], *, wait_seconds: float = 0.0) -> Iterator[Lock | None]:
    """
    Hold the lock of ``keys`` inside the block; wait for so long while another has one of them.

    Inside a transaction on SQLite, and with a database in memory, there is none (and None is
    given): no other process can write meanwhile.

    Raises:
        LockHeldError: it names the holder.
    """
    if _is_alone(get_conf().locks.database):
        yield None
        return
    lock = Lock(keys)
    try:
        lock.acquire(wait_seconds)
        yield lock
    finally:
        lock.release()


def _is_alone(using: str) -> bool:
    connection: Any = connections[using]
    return connection.vendor == "sqlite" and bool(
        connection.in_atomic_block or connection.is_in_memory_db()
    )


class _SessionLock(Protocol):
    def take(self, key: str, using: str) -> bool: ...
    def give_back(self, key: str, using: str) -> None: ...
    def is_held(self, key: str, using: str) -> bool: ...
    def is_ours(self, key: str, using: str) -> bool: ...


# Advisory locks are per database, and the view is of all.
_PG_HELD = (
    "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (classid::bigint << 32) | objid::bigint = %s"
)


class _PostgreSQL:
    """
    Session-level advisory locks, which are per database.

    Source: PostgreSQL manual, "Advisory Locks".
    """

    @staticmethod
    def take(key: str, using: str) -> bool:
        return bool(_value(using, "SELECT pg_try_advisory_lock(%s)", _number(key)))

    @staticmethod
    def give_back(key: str, using: str) -> None:
        _value(using, "SELECT pg_advisory_unlock(%s)", _number(key))

    @staticmethod
    def is_held(key: str, using: str) -> bool:
        return bool(_value(using, f"SELECT EXISTS ({_PG_HELD})", _number(key)))

    @staticmethod
    def is_ours(key: str, using: str) -> bool:
        sql = f"SELECT EXISTS ({_PG_HELD} AND pid = pg_backend_pid())"
        return bool(_value(using, sql, _number(key)))


class _MySQL:
    """User-level locks, whose names are the server's and have at most 64 characters."""

    @staticmethod
    def take(key: str, using: str) -> bool:
        return bool(_value(using, "SELECT GET_LOCK(%s, 0)", _name(key, using)) == 1)

    @staticmethod
    def give_back(key: str, using: str) -> None:
        _value(using, "SELECT RELEASE_LOCK(%s)", _name(key, using))

    @staticmethod
    def is_held(key: str, using: str) -> bool:
        return _value(using, "SELECT IS_USED_LOCK(%s)", _name(key, using)) is not None

    @staticmethod
    def is_ours(key: str, using: str) -> bool:
        sql = "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()"
        return bool(_value(using, sql, _name(key, using)) == 1)


_SESSION_LOCKS: dict[str, _SessionLock] = {"postgresql": _PostgreSQL(), "mysql": _MySQL()}


def _fitting(key: str) -> str:
    """Return a key that the column has room for; different keys stay different."""
    key = clean(key)
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{key[: _LONGEST_KEY - 65]}:{hashlib.sha256(key.encode()).hexdigest()}"


def _number(key: str) -> int:
    digest = hashlib.sha256(f"django_system_ops:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _name(key: str, using: str) -> str:
    database = connections[using].settings_dict["NAME"]
    return f"ops:{hashlib.sha256(f'{database}:{key}'.encode()).hexdigest()[:40]}"


def _value(using: str, sql: str, *parameters: str | int) -> object:
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


def _myself() -> str:
    host = socket.gethostname()[:100]
    return f"process {os.getpid()} on {host}, started by {user_name()[:100]}"


def _who(using: str, key: str) -> str:
    row: models.Model | None = CommandLock.objects.using(using).filter(key=key).first()
    command = key.partition(":")[0]
    if not isinstance(row, CommandLock) or not row.holder or row.acquired_at is None:
        return f"{command} is running already (lock {key}). Try again later, or use --wait-lock."
    since = localtime(row.acquired_at).strftime("%Y-%m-%d %H:%M:%S")
    return (
        f"{command} is running already: {row.holder}, since {since} (lock {key}). Try again "
        "later, or use --wait-lock SECONDS."
    )
