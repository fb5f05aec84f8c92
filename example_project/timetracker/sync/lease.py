"""One synchronisation per source at a time, and the record of each in SyncRun."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

from django.db import DatabaseError, transaction
from django.db.models import Q

from timetracker.models import SyncRun, TaskSource
from timetracker.sync.engine.addresses import shown
from timetracker.sync.exceptions import SyncBusyError, SyncError, SyncLostError

__all__ = ["Lease"]

logger = logging.getLogger(__name__)

_RENEW_SECONDS = 30
_MAX_ERROR_LENGTH = 2_000


class Lease:
    """
    The right of one run to write the tasks of one source.

    It ends by itself ``seconds`` after the run was last heard of, so that a killed one keeps
    nobody out for long. A run that lost it to another can no longer write: the row in
    TaskSource names the one that may.
    """

    def __init__(
        self,
        source: TaskSource,
        run: SyncRun,
        *,
        token: UUID,
        seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self.source = source
        self.run = run
        self._token = token
        self._seconds = seconds
        self._monotonic = monotonic
        self._began = self._renewed = monotonic()

    @classmethod
    def take(
        cls,
        url: str,
        *,
        full: bool,
        now: datetime,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Self:
        """
        Begin a run, in full where asked for or where there was none before.

        Raises:
            SyncBusyError: another run was heard of less than its lease ago.
        """
        token = uuid4()
        with transaction.atomic():
            known, _ = TaskSource.objects.get_or_create(url=url)
            # One conditional UPDATE, so that the database decides between two at once.
            is_free = Q(leased_until=None) | Q(leased_until__lt=now)
            taken = TaskSource.objects.filter(is_free, pk=known.pk).update(
                lease_token=token, leased_until=now + timedelta(seconds=seconds)
            )
            if not taken:
                raise SyncBusyError(
                    f"Another synchronisation of {shown(url)} is at work. Run again when it has "
                    f"ended, or, if it was killed, when it was silent for {seconds:.0f} s."
                )
            _close_abandoned(known, now)
            # Read anew: the run before may have moved the cursor since.
            source = TaskSource.objects.get(pk=known.pk)
            is_full = full or not source.cursor
            run = SyncRun.objects.create(
                source=source,
                mode=SyncRun.Mode.FULL if is_full else SyncRun.Mode.INCREMENTAL,
                started_at=now,
            )
        return cls(source, run, token=token, seconds=seconds, monotonic=monotonic)

    @property
    def now(self) -> datetime:
        """The present moment: the run's start and what has passed since."""
        return self.run.started_at + timedelta(seconds=self._monotonic() - self._began)

    def renew(self) -> None:
        """
        Give a sign of life; costs a query only when the last is half a minute old.

        Raises:
            SyncLostError: another run has taken this one's place.
        """
        if self._monotonic() - self._renewed >= _RENEW_SECONDS:
            self.confirm()

    def confirm(self) -> None:
        """
        Give a sign of life now. In a transaction this keeps others out until its end.

        Raises:
            SyncLostError: another run has taken this one's place.
        """
        self._renewed = self._monotonic()
        self._update_source(leased_until=self.now + timedelta(seconds=self._seconds))

    def succeed(self, counters: dict[str, int], **source: Any) -> None:
        """
        Write down how the run went and what ``source`` shall hold, and give the lease back.

        Raises:
            SyncLostError: another run has taken this one's place.
        """
        self._update_source(lease_token=None, leased_until=None, **source)
        SyncRun.objects.filter(pk=self.run.pk).update(
            outcome=SyncRun.Outcome.SUCCEEDED, finished_at=self.now, **counters
        )

    def fail(self, error: BaseException) -> None:
        """Write down that the run ended with ``error``, and give the lease back if it is ours."""
        text = str(error) if isinstance(error, SyncError) else f"{type(error).__name__}: {error}"
        try:
            with transaction.atomic():
                SyncRun.objects.filter(pk=self.run.pk, outcome=SyncRun.Outcome.RUNNING).update(
                    outcome=SyncRun.Outcome.FAILED,
                    finished_at=self.now,
                    error=_storable(text),
                )
                TaskSource.objects.filter(pk=self.source.pk, lease_token=self._token).update(
                    lease_token=None, leased_until=None
                )
        except DatabaseError:
            # What broke the run must not be hidden by this; the lease ends by itself.
            logger.exception("run=%d could not be closed", self.run.pk)

    def _update_source(self, **values: Any) -> None:
        ours = TaskSource.objects.filter(pk=self.source.pk, lease_token=self._token)
        if not ours.update(**values):
            raise SyncLostError(
                f"Run {self.run.pk} was silent for so long that another took its place. "
                "It wrote nothing."
            )


def _storable(text: str) -> str:
    """Return ``text`` as every database takes it: no NUL for one, and not without an end."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable[:_MAX_ERROR_LENGTH]


def _close_abandoned(source: TaskSource, now: datetime) -> None:
    """Close the runs that ended without a word: their lease is over."""
    SyncRun.objects.filter(source=source, outcome=SyncRun.Outcome.RUNNING).update(
        outcome=SyncRun.Outcome.FAILED,
        finished_at=now,
        error="The run ended without a word: killed, or cut off from the database.",
    )
