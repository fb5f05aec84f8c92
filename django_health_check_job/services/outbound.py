"""
Send what is stored to the monitoring server, the oldest first, until it has been taken.

Rounds wait in the database, and in the spool while the database is what is down. Each is sent with
its own uuid as idempotency key: after a crash the same one may go out twice, and a receiver that
knows the key stores it once.
"""

import json
import logging
import random
import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, InterfaceError, router
from django.db.models import F
from django.utils import timezone

from django_health_check_job.conf import get_conf
from django_health_check_job.engine.round import Entry
from django_health_check_job.exceptions import DjangoHealthCheckJobError
from django_health_check_job.models import Delivery
from django_health_check_job.services.payloads import build_payload
from django_health_check_job.services.spool import SpoolFile
from django_health_check_job.services.transport import is_refusal, send_payload

__all__ = ["Outbound", "describe"]

logger = logging.getLogger(__name__)

_AT_ONCE = 50
_LONGEST_DOUBLING = 16


class Outbound:
    """
    The way to the server, with its waits; used by one thread.

    Args:
        is_stopping: asked between two requests.
        using: the database.
    """

    def __init__(
        self,
        *,
        is_stopping: Callable[[], bool] = lambda: False,
        using: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_stopping = is_stopping
        self._using = using or router.db_for_write(Delivery)
        self._clock = clock
        self._failures = 0
        self._next_at = float("-inf")

    @property
    def wait_seconds(self) -> float:
        """Return how long to wait before the server is to be asked again."""
        return max(0.0, self._next_at - self._clock())

    def send_stored(self) -> int:
        """
        Send what waits in the database, and return how many payloads were taken.

        Raises:
            DatabaseError: the database does not answer.
        """
        taken = 0
        while not self.wait_seconds and not self._is_stopping():
            waiting = Delivery.objects.using(self._using).filter(refused_at=None)
            batch = list(waiting.order_by("pk")[:_AT_ONCE])
            if not batch:
                break
            for delivery in batch:
                if self._is_stopping() or not self._send_one(delivery):
                    return taken
                taken += 1
        return taken

    def send_spooled(self, file: SpoolFile) -> int:
        """Send what waits in a spool file, and return how many payloads were taken."""
        taken, generation = 0, file.generation
        for offset, entry in file.entries(file.sent_up_to):
            if self.wait_seconds or self._is_stopping():
                break
            if not entry.is_sent:
                error = self._attempt(_payload(entry), str(entry.round.uuid))
                # What it refuses now is offered again from the database, and noted there.
                if error is not None:
                    break
                taken += 1
            file.mark_sent(offset, generation=generation)
        return taken

    def _send_one(self, delivery: Delivery) -> bool:
        """Send one payload; False when the server has to be left alone for a while."""
        error = self._attempt(json.loads(delivery.payload), str(delivery.key))
        row = Delivery.objects.using(self._using).filter(pk=delivery.pk)
        if error is None:
            row.delete()
            return True
        refused = is_refusal(error)
        row.update(
            attempts=F("attempts") + 1,
            last_error=describe(error)[:300],
            refused_at=timezone.now() if refused else None,
        )
        return refused

    def _attempt(self, payload: dict[str, Any], key: str) -> Exception | None:
        try:
            send_payload(payload, key=key)
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the payload stays
            if is_refusal(error):
                logger.error("round=%s was refused by the server: %s", key, describe(error))
                self._failures = 0
                return error
            self._back_off(error)
            return error
        if self._failures:
            logger.info("the monitoring server takes results again")
        self._failures, self._next_at = 0, float("-inf")
        return None

    def _back_off(self, error: Exception) -> None:
        self._failures += 1
        cap = get_conf().SYNC.BACKOFF_CAP_SECONDS
        seconds = min(cap, 2.0 ** min(self._failures, _LONGEST_DOUBLING))
        # Sites that were cut off together do not come back together.
        seconds *= random.uniform(0.75, 1.0)  # noqa: S311  # no secret
        self._next_at = self._clock() + seconds
        logger.warning(
            "the monitoring server did not take results (%s): again in %.1f s",
            describe(error),
            seconds,
        )


def describe(error: Exception) -> str:
    """Say what went wrong without the texts of libraries, which hold addresses and more."""
    if isinstance(error, DjangoHealthCheckJobError):
        return str(error)
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__


def _payload(entry: Entry) -> dict[str, Any]:
    one = entry.round
    return build_payload(one.uuid, one.started_at, one.outcomes, extended=get_conf().SYNC.EXTENDED)
