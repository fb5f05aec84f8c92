"""Requests with patience: pacing, retries, and the waits that the source asks for."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import SystemRandom

from timetracker.sync.conf import SyncSettings
from timetracker.sync.engine.addresses import origin
from timetracker.sync.engine.waiting import (
    backoff_s,
    http_date,
    pacing_s,
    quota_pause_s,
    retry_after_s,
)
from timetracker.sync.exceptions import UnreachableError
from timetracker.sync.transport import Reply, Request, Transport

__all__ = ["Caller", "Timing"]

logger = logging.getLogger(__name__)

_RETRIED = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Timing:
    """Clock, sleep and chance, for tests to replace."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    utcnow: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: Gives 0 to 1.
    chance: Callable[[], float] = SystemRandom().random


@dataclass(frozen=True)
class _Failure:
    """An attempt worth repeating; ``wait_s`` is what the server asked for, if it asked."""

    reason: str
    wait_s: float | None = None


class Caller:
    """
    Makes requests until each has an answer worth reading, or patience ends.

    Args:
        conf: how patient to be.
        timing: clock, sleep and chance.
        alive: called before each attempt and each wait, so that whoever watches this run sees
            that it lives. What it raises ends the call.
    """

    def __init__(
        self,
        conf: SyncSettings,
        *,
        timing: Timing,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._conf = conf
        self._timing = timing
        self._alive = alive
        self._transport = Transport(conf)
        self._give_up_at = timing.monotonic() + conf.FETCH_TIMEOUT_SECONDS
        self._last_start: float | None = None
        # Until when, by the monotonic clock, an origin wants no request.
        self._quiet_until: dict[str, float] = {}

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def call(self, request: Request) -> Reply:
        """
        Return the answer to ``request``: any status but those that a retry may cure.

        Raises:
            UnreachableError: all attempts failed, or the source asks for too long a wait.
            FetchError: see :meth:`Transport.send`.
        """
        attempt = 1
        while isinstance(outcome := self._attempt(request), _Failure):
            if attempt >= self._conf.MAX_ATTEMPTS:
                raise UnreachableError(f"{outcome.reason} Attempts made: {attempt}.")
            pause = self._pause_s(outcome, attempt)
            logger.warning(
                "attempt=%d of=%d next_in_s=%.1f reason=%r",
                attempt,
                self._conf.MAX_ATTEMPTS,
                pause,
                outcome.reason,
            )
            self._wait(pause)
            attempt += 1
        return outcome

    def _attempt(self, request: Request) -> Reply | _Failure:
        self._wait_for_turn(origin(request.url))
        try:
            reply = self._transport.send(request)
        except UnreachableError as error:
            return _Failure(str(error))
        now = http_date(reply.headers.get("Date", "")) or self._timing.utcnow()
        if quiet_s := quota_pause_s(reply.headers, now):
            self._quiet_until[origin(request.url)] = self._timing.monotonic() + quiet_s
        if reply.status not in _RETRIED:
            return reply
        wait_s = retry_after_s(reply.headers.get("Retry-After", ""), now)
        return _Failure(f"{origin(request.url)} answered with status {reply.status}.", wait_s)

    def _pause_s(self, failure: _Failure, attempt: int) -> float:
        own = backoff_s(
            attempt,
            base_s=self._conf.BACKOFF_SECONDS,
            cap_s=self._conf.BACKOFF_CAP_SECONDS,
            jitter=self._timing.chance(),
        )
        if failure.wait_s is None:
            return own
        self._refuse_long(failure.wait_s, failure.reason)
        return max(own, failure.wait_s)

    def _wait_for_turn(self, place: str) -> None:
        """Keep to our own rate and to the quota that ``place`` told us of."""
        now = self._timing.monotonic()
        quiet_s = self._quiet_until.pop(place, now) - now
        self._refuse_long(quiet_s, f"{place} says that our quota is used up.")
        pacing = pacing_s(self._last_start, now, per_second=self._conf.MAX_REQUESTS_PER_SECOND)
        self._wait(max(quiet_s, pacing))
        self._last_start = self._timing.monotonic()

    def _wait(self, seconds: float) -> None:
        if self._timing.monotonic() + seconds > self._give_up_at:
            raise UnreachableError(
                f"Reading the task list takes longer than {self._conf.FETCH_TIMEOUT_SECONDS:g} s. "
                "Run an incremental synchronisation, or raise FETCH_TIMEOUT_SECONDS in "
                "TIMETRACKER_SYNC."
            )
        self._alive()
        if seconds > 0:
            self._timing.sleep(seconds)

    def _refuse_long(self, seconds: float, reason: str) -> None:
        cap = self._conf.WAIT_CAP_SECONDS
        if seconds > cap:
            raise UnreachableError(
                f"{reason} It asks us to wait for {seconds:.0f} s, and WAIT_CAP_SECONDS in "
                f"TIMETRACKER_SYNC allows {cap:g} s. Run again later."
            )
