"""Taking jobs from several queues in turn."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from django_outbox.backends import store_for
from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob
from django_outbox.services.lanes import LaneWalk

__all__ = ["QueueRota", "warn_of_undeclared_queues"]

logger = logging.getLogger(__name__)

_Claim = Callable[[int], list[OutboxJob]]


class QueueRota:
    """
    Claims from the queues in turn.

    Each claim begins one queue further on, so that a queue which is always full does not starve
    the ones behind it. In a queue with lanes, those and the other jobs share what is free.
    """

    def __init__(
        self, queues: Sequence[str], *, worker: str, lease_seconds: float, using: str
    ) -> None:
        self._queues = deque(queues)
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._store = store_for(using)
        declared = get_conf().QUEUES
        self._lanes = {
            queue: LaneWalk(queue, store=self._store, worker=worker, lease_seconds=lease_seconds)
            for queue in queues
            if queue in declared and declared[queue].LANES
        }
        # By queue: whether its lanes come first in the next claim.
        self._lanes_first = dict.fromkeys(self._lanes, False)

    @property
    def is_unfinished(self) -> bool:
        """Whether the last claim gave up although lanes were left that it has not seen."""
        return any(lanes.is_unfinished for lanes in self._lanes.values())

    def claim(self, limit: int) -> list[OutboxJob]:
        """Take up to ``limit`` due jobs."""
        claimed: list[OutboxJob] = []
        for queue in tuple(self._queues):
            if len(claimed) >= limit:
                break
            claimed += self._claim(queue, limit - len(claimed))
        self._queues.rotate(-1)
        return claimed

    def _claim(self, queue: str, limit: int) -> list[OutboxJob]:
        if queue not in self._lanes:
            return self._claim_ordinary(queue, limit)
        first: _Claim = partial(self._claim_ordinary, queue)
        second: _Claim = self._lanes[queue].claim
        if self._lanes_first[queue]:
            first, second = second, first
        self._lanes_first[queue] = not self._lanes_first[queue]
        # Half for the first, what is left for the second, and what that leaves for the first.
        half = (limit + 1) // 2
        claimed = first(half)
        is_exhausted = len(claimed) < half
        if len(claimed) < limit:
            claimed += second(limit - len(claimed))
        if not is_exhausted and len(claimed) < limit:
            claimed += first(limit - len(claimed))
        return claimed

    def _claim_ordinary(self, queue: str, limit: int) -> list[OutboxJob]:
        return self._store.claim(
            queue=queue, limit=limit, worker=self._worker, lease_seconds=self._lease_seconds
        )


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
