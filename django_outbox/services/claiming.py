"""Taking jobs from several queues in turn."""

from collections import deque
from collections.abc import Sequence

from django_outbox.backends import store_for
from django_outbox.models import OutboxJob

__all__ = ["QueueRota"]


class QueueRota:
    """
    Claims from the queues in turn.

    Each claim begins one queue further on, so that a queue which is always full does not starve
    the ones behind it.
    """

    def __init__(
        self, queues: Sequence[str], *, worker: str, lease_seconds: float, using: str
    ) -> None:
        self._queues = deque(queues)
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._store = store_for(using)

    def claim(self, limit: int) -> list[OutboxJob]:
        """Take up to ``limit`` due jobs."""
        claimed: list[OutboxJob] = []
        for queue in tuple(self._queues):
            if len(claimed) >= limit:
                break
            claimed += self._store.claim(
                queue=queue,
                limit=limit - len(claimed),
                worker=self._worker,
                lease_seconds=self._lease_seconds,
            )
        self._queues.rotate(-1)
        return claimed
