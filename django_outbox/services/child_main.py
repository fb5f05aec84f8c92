"""What a handler's process does; see ``child_process``."""

import os
import queue
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import django

# Nothing of Django's models at the top: the site is loaded in main().
if TYPE_CHECKING:
    from django_outbox.services.child_process import Answer, Order

__all__ = ["main"]


class _Inbox:
    """Receives orders on a thread, so that the end of the worker is noticed during a handler."""

    def __init__(self, link: "Connection[Any, Any]") -> None:
        self._link = link
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self.is_busy = True
        threading.Thread(target=self._receive, daemon=True).start()

    def next(self) -> "Order | None":
        """Wait for an order; None when there will be no more."""
        self.is_busy = False
        order = self._orders.get()
        self.is_busy = order is not None
        return order

    def _receive(self) -> None:
        try:
            while True:
                self._orders.put(self._link.recv())
        except (EOFError, OSError):
            # A job that is being run belongs to nobody: what is not committed shall not be.
            if self.is_busy:
                os._exit(1)
            self._orders.put(None)


def main(descriptor: int) -> None:
    """Run the jobs that come in on the socket ``descriptor``, until the worker closes it."""
    link: Connection[Any, Any] = Connection(descriptor)
    inbox = _Inbox(link)
    django.setup()
    from django.db import connections

    from django_outbox.services.child_process import READY
    from django_outbox.services.execution import drop_dead_connections, leave_connections_clean
    from django_outbox.services.registry import registry

    registry.discover()
    link.send(READY)
    try:
        while (order := inbox.next()) is not None:
            drop_dead_connections()
            answer = _answer(order)
            leave_connections_clean()
            link.send(answer)
    finally:
        connections.close_all()


def _answer(order: "Order") -> "Answer":
    from django_outbox.exceptions import Snooze
    from django_outbox.services.attempts import Failure
    from django_outbox.services.calling import call_here
    from django_outbox.services.child_process import Answer
    from django_outbox.services.context import JobContext
    from django_outbox.services.execution import attempt

    result = attempt(JobContext(order.job, order.using), call=call_here)
    if isinstance(result.error, Snooze):
        return Answer(snooze_seconds=result.error.seconds)
    failure = None if result.error is None else Failure.of(result.error)
    return Answer(value=result.value, is_settled=result.is_settled, failure=failure)
