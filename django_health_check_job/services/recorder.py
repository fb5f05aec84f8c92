"""
The thread that owns the database: it leads or stands by, writes rounds, and keeps what it cannot.

Whatever the database does, fail or hang, the checks go on in another thread. A round that cannot be
written goes to the spool, and from there into the database as soon as that answers again, before
any newer one.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from enum import StrEnum

from django.db import DatabaseError, Error, connections

from django_health_check_job.engine.outcome import State
from django_health_check_job.engine.round import Entry
from django_health_check_job.engine.standing import Standing
from django_health_check_job.exceptions import LeaseLostError
from django_health_check_job.models import Check
from django_health_check_job.services import announcing
from django_health_check_job.services.keeping import AWAY, Kept
from django_health_check_job.services.lease import Lease
from django_health_check_job.services.overrides import Override, read_overrides
from django_health_check_job.services.recording import record_entry
from django_health_check_job.services.retirement import retire_unlisted
from django_health_check_job.services.spool import Spool, SpoolFile

__all__ = ["Recorder", "Role"]

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_OVERRIDES_SECONDS = 10.0
_LEFTOVERS_SECONDS = 60.0
# So long may a statement hang, and so many rounds wait, before they are kept elsewhere.
_STUCK_SECONDS = 10.0
_MOST_WAITING = 100


class Role(StrEnum):
    """What this monitor does among the others."""

    WAITING = "waiting"  # for the first answer of the database
    STANDBY = "standby"
    LEADING = "leading"
    #: The database does not say who leads: go on, or begin, and keep everything.
    BLIND = "blind"

    @property
    def runs_checks(self) -> bool:
        """Return whether checks are to be run in this role."""
        return self in (Role.LEADING, Role.BLIND)


class Recorder(threading.Thread):
    """
    Args:
        lease: ours; used by this thread alone.
        spool: ours likewise, but for :meth:`relieve`.
        on_change: called, in this thread, when the role or the overrides have changed.
        listed: the checks of this site, of which all others are retired; None retires none.
    """

    def __init__(
        self,
        lease: Lease,
        spool: Spool,
        *,
        using: str,
        on_change: Callable[[], None],
        listed: frozenset[str] | None = None,
    ) -> None:
        super().__init__(name="health recorder", daemon=True)
        self.role = Role.WAITING
        #: Where the checks of this site stood when this monitor began to lead, by name.
        self.standings: dict[str, Standing] = {}
        self.overrides: dict[str, Override] = {}
        #: Grows when the role or the overrides have changed.
        self.version = 0
        self._lease = lease
        self._kept = Kept(spool, self._write_kept)
        self._using = using
        self._on_change = on_change
        self._listed = listed
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._busy_since: float | None = None
        self._current: Entry | None = None
        self._next_try = self._next_overrides = self._next_leftovers = float("-inf")

    @property
    def fence(self) -> int:
        """Return the fence under which rounds are measured now; 0 when we do not know."""
        return self._lease.fence

    @property
    def own_spool(self) -> SpoolFile | None:
        """Return the file that holds what the database has not taken."""
        return self._kept.own_file

    def put(self, entry: Entry) -> None:
        """Let an entry be written; returns at once."""
        self._entries.put(entry)

    def relieve(self) -> None:
        """
        Keep waiting rounds in the spool when the database hangs, or is too slow for them.

        Called by another thread.
        """
        since = self._busy_since
        is_stuck = since is not None and time.monotonic() - since >= _STUCK_SECONDS
        if not is_stuck and self._entries.qsize() <= _MOST_WAITING:
            return
        with self._guard:
            if is_stuck and self._current is not None:
                # Written again later if need be: what is stored is not stored twice.
                current, self._current = self._current, None
                self._kept.keep(current)
            while True:
                try:
                    entry = self._entries.get_nowait()
                except queue.Empty:
                    return
                if entry is None:
                    self._entries.put(None)
                    return
                self._kept.keep(entry)

    def finish(self, timeout_seconds: float) -> bool:
        """Write what waits, let another monitor lead, and end; False when time was up."""
        self._stopping.set()
        self._entries.put(None)
        self.join(timeout_seconds)
        if self.is_alive():
            self._busy_since = float("-inf")
            self.relieve()
        return not self.is_alive()

    def run(self) -> None:
        """Serve until :meth:`finish`."""
        try:
            while not self._stopping.is_set():
                self._attend(self._next_entry())
            self._drain()
            self._leave()
        finally:
            self._kept.close()
            connections[self._using].close()

    def _next_entry(self) -> Entry | None:
        wait = min(self._lease_pause, _RETRY_SECONDS)
        try:
            return self._entries.get(timeout=wait if self.role is not Role.WAITING else 0)
        except queue.Empty:
            return None

    @property
    def _lease_pause(self) -> float:
        return max(0.05, self._lease.seconds / 4)

    def _drain(self) -> None:
        while True:
            try:
                entry = self._entries.get_nowait()
            except queue.Empty:
                return
            if entry is not None:
                self._attend(entry)

    def _leave(self) -> None:
        try:
            self._kept.write()
            self._lease.release()
        except Error as error:
            logger.warning("the lease could not be given back: %s", type(error).__name__)

    def _attend(self, entry: Entry | None) -> None:
        """Do what is due, and write the entry; never raises for a database that is away."""
        if time.monotonic() < self._next_try:
            if entry is not None:
                self._kept.keep(entry)
            return
        self._current = entry
        self._busy_since = time.monotonic()
        try:
            connections[self._using].close_if_unusable_or_obsolete()
            self._lead_or_stand_by()
            if self.role is Role.LEADING:
                self._kept.write()
            if entry is not None:
                self._write(entry)
            self._look_around()
        except AWAY as error:
            self._lose_database(error)
            with self._guard:
                if self._current is not None:
                    self._kept.keep(self._current)
        except Exception as error:  # noqa: BLE001  # its end would leave the monitor without memory
            logger.error("recording failed: %s", type(error).__name__)
            with self._guard:
                if self._current is not None:
                    self._kept.reject(self._current)
        finally:
            self._busy_since = None
            self._current = None

    def _lead_or_stand_by(self) -> None:
        # After an outage the row itself has to say who leads, however long our turn would last.
        if self._lease.is_fresh and self.role is not Role.BLIND:
            return
        fence = self._lease.fence
        if not self._lease.extend():
            self._become(Role.STANDBY)
            return
        if self.role is not Role.LEADING:
            if self._lease.fence != fence:
                self._take_over()
            self._become(Role.LEADING)

    def _take_over(self) -> None:
        """Begin where the last leader has left off, and this monitor before it led."""
        self._kept.adopt()
        self._kept.write()
        rows = Check.objects.using(self._using).filter(source="", retired_at=None)
        fields = ("name", "state", "since", "recent")
        self.standings = {
            name: Standing(State(state), since, recent)
            for name, state, since, recent in rows.values_list(*fields)
        }
        self.overrides = read_overrides(self._using)
        self._retire()

    def _retire(self) -> None:
        """Take the checks that nobody runs any more out of the site's state."""
        if self._listed is None:
            return
        disabled = {name for name, (is_enabled, *_) in self.overrides.items() if not is_enabled}
        retire_unlisted(self._listed - disabled, using=self._using)

    def _become(self, role: Role) -> None:
        if role is self.role:
            return
        logger.info("monitor=%s role=%s", self._lease.holder, role)
        self.role = role
        self._tell()

    def _tell(self) -> None:
        self.version += 1
        self._on_change()

    def _lose_database(self, error: BaseException) -> None:
        self._next_try = time.monotonic() + _RETRY_SECONDS
        connections[self._using].close()
        if self.role in (Role.WAITING, Role.LEADING):
            logger.warning(
                "the database does not take results (%s): they are kept in %s",
                type(error).__name__,
                self._kept.folder,
            )
            self._become(Role.BLIND)

    def _write(self, entry: Entry) -> None:
        if entry.fence == 0 and self._lease.was_held:
            # Measured before anybody could say who leads, and we do.
            entry.fence = self._lease.fence
        try:
            keys = record_entry(
                entry,
                monitor=self._lease.holder,
                confirm=self._lease.confirm,
                using=self._using,
            )
        except LeaseLostError:
            self._write_late(entry)
            return
        except DatabaseError as error:
            if isinstance(error, AWAY):
                raise
            self._kept.reject(entry)
            return
        announcing.announce(keys, using=self._using)

    def _write_late(self, entry: Entry) -> None:
        """Write a round of a time that has passed, if it was this monitor's or nobody's."""
        latest = self._lease.successor()
        if latest is not None and entry.fence != latest[0]:
            leads_now = latest[0] == self._lease.fence
            is_older = entry.round.started_at < latest[1]
            if not is_older or (entry.fence == 0 and not leads_now):
                logger.warning("round=%s is left out: another monitor led", entry.round.uuid)
                return
        keys = record_entry(entry, monitor=self._lease.holder, is_replay=True, using=self._using)
        announcing.announce(keys, using=self._using)

    def _write_kept(self, entry: Entry) -> None:
        try:
            self._write_late(entry)
        finally:
            # A long file is no statement that hangs.
            self._busy_since = time.monotonic()

    def _look_around(self) -> None:
        now = time.monotonic()
        if self.role is not Role.LEADING:
            return
        if now >= self._next_leftovers:
            self._next_leftovers = now + _LEFTOVERS_SECONDS
            announcing.announce_waiting(using=self._using)
            self._kept.adopt()
        if now >= self._next_overrides:
            self._next_overrides = now + _OVERRIDES_SECONDS
            overrides = read_overrides(self._using)
            if overrides != self.overrides:
                self.overrides = overrides
                self._retire()
                self._tell()
