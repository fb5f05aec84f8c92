"""What the database has not taken, until it does: in the spool, or in memory in the worst case."""

import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path

from django.db import InterfaceError, OperationalError, ProgrammingError

from django_health_check_job.engine.round import Entry
from django_health_check_job.exceptions import SpoolError
from django_health_check_job.services import announcing
from django_health_check_job.services.spool import Spool, SpoolFile

__all__ = ["AWAY", "Kept"]

logger = logging.getLogger(__name__)

#: The database is away, or not as it should be: later it may take the same statement.
AWAY = (OperationalError, InterfaceError, ProgrammingError)

# What is kept in memory when the spool cannot be written to either.
_MOST_IN_MEMORY = 1000


class Kept:
    """
    The entries of one monitor that wait for the database.

    Args:
        spool: the monitor's own.
        write: puts one entry into the database.
    """

    def __init__(self, spool: Spool, write: Callable[[Entry], None]) -> None:
        self._spool = spool
        self._write = write
        self._in_memory: deque[Entry] = deque(maxlen=_MOST_IN_MEMORY)

    @property
    def own_file(self) -> SpoolFile | None:
        """Return the file of the monitor's own spool; None before there is one."""
        return self._spool.own

    @property
    def folder(self) -> Path:
        """Return where they wait."""
        return self._spool.folder

    def keep(self, entry: Entry) -> None:
        """Keep an entry where the database is not needed, and tell of its changes now."""
        if not entry.is_announced:
            announcing.send(entry.changes)
            entry.is_announced = True
        try:
            self._spool.add(entry)
        except SpoolError as error:
            if not self._in_memory:
                logger.error(
                    "%s Until then the last %s rounds stay in memory.", error, _MOST_IN_MEMORY
                )
            self._in_memory.append(entry)

    def reject(self, entry: Entry) -> None:
        """Put an entry aside that the database does not take as it is."""
        try:
            self._spool.reject(entry)
        except OSError as error:
            logger.error("round=%s is lost: %s", entry.round.uuid, error.strerror)

    def write(self) -> None:
        """
        Write what this monitor has kept, the oldest first.

        Raises:
            DatabaseError: the database is away; what is not yet written stays.
        """
        while self._in_memory:
            self._write(self._in_memory[0])
            self._in_memory.popleft()
        own = self._spool.own
        if own is not None and not own.is_empty:
            self._write_file(own)

    def adopt(self) -> None:
        """Write what monitors that died on this machine had kept; raises as :meth:`write`."""
        for file in self._spool.abandoned():
            self._write_file(file)

    def close(self) -> None:
        """Let the spool go."""
        self._spool.close()

    def _write_file(self, file: SpoolFile) -> None:
        # From before: what another thread adds meanwhile is not looked at.
        written, end = 0, file.size
        for offset, entry in file.entries():
            try:
                self._write(entry)
            except AWAY:
                raise
            except Exception as error:  # noqa: BLE001  # one round is isolated from the next
                logger.error("round=%s: %s", entry.round.uuid, type(error).__name__)
                self.reject(entry)
            written, end = written + 1, offset
        file.clear(end)
        if written:
            logger.info("rounds=%s were written from %s", written, file.path)
