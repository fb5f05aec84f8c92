"""The thread that brings results to the monitoring server."""

import logging
import threading
from collections.abc import Callable

from django.db import Error, connections

from django_health_check_job.conf import get_published
from django_health_check_job.services.outbound import Outbound
from django_health_check_job.services.spool import SpoolFile

__all__ = ["Postman"]

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


class Postman(threading.Thread):
    """
    Args:
        may_send: whether this monitor is the one that sends.
        spool: what the database has not taken yet, if anything.
    """

    def __init__(
        self, *, may_send: Callable[[], bool], spool: Callable[[], SpoolFile | None], using: str
    ) -> None:
        super().__init__(name="health postman", daemon=True)
        self._may_send = may_send
        self._spool = spool
        self._using = using
        self._stopping = threading.Event()
        self._called = threading.Event()
        self._outbound = Outbound(is_stopping=self._stopping.is_set, using=using)

    def call(self) -> None:
        """Say that there is something to send."""
        self._called.set()

    def finish(self, timeout_seconds: float) -> bool:
        """End after the request under way; False when that takes longer."""
        self._stopping.set()
        self._called.set()
        self.join(timeout_seconds)
        return not self.is_alive()

    def run(self) -> None:
        """Serve until :meth:`finish`."""
        try:
            while not self._stopping.is_set():
                self._called.wait(max(_LOOK_SECONDS, self._outbound.wait_seconds))
                self._called.clear()
                if self._outbound.wait_seconds:
                    # Called by a new round, and the server is still to be left alone.
                    self._stopping.wait(min(_LOOK_SECONDS, self._outbound.wait_seconds))
                elif self._may_send() and get_published().SYNC_HEALTH_CHECK_DATA:
                    self._send()
        finally:
            connections[self._using].close()

    def _send(self) -> None:
        try:
            connections[self._using].close_if_unusable_or_obsolete()
            self._outbound.send_stored()
            return
        except Error:
            connections[self._using].close()
        except Exception as error:  # noqa: BLE001  # its end would leave results unsent
            logger.error("sending failed: %s", type(error).__name__)
            self._stopping.wait(_LOOK_SECONDS)
            return
        self._send_spooled()

    def _send_spooled(self) -> None:
        """The database is away, and that is what the server has to hear."""
        file = self._spool()
        if file is None:
            return
        try:
            self._outbound.send_spooled(file)
        except (OSError, ValueError) as error:
            # Emptied or closed by the recorder in the meantime, or an unreadable disk.
            logger.info("the spool was not sent: %s", type(error).__name__)
