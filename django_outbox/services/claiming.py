"""Taking jobs from several queues in turn."""

import logging
from collections import deque
from collections.abc import Sequence

from django_outbox.backends import store_for
from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob

__all__ = ["QueueRota", "warn_of_undeclared_queues"]

logger = logging.getLogger(__name__)


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


def warn_of_undeclared_queues(*, using: str) -> None:
    """Log each queue in which jobs wait and that is no longer declared: nobody takes them."""
    declared = get_conf().QUEUES
    names = OutboxJob.objects.using(using).pending().order_by("queue").values_list("queue")
    # From one to the next along the index: DISTINCT would read the whole backlog.
    row = names.first()
    while row is not None:
        (name,) = row
        if name not in declared:
            logger.warning(
                "queue=%s has pending jobs and no worker: OUTBOX['QUEUES'] does not declare it",
                name,
            )
        row = names.filter(queue__gt=name).first()
