"""The lanes of a queue: walked in turn, the head of each at most."""

from django_outbox.backends import Store
from django_outbox.models import OutboxJob

__all__ = ["LaneWalk"]

# A claim looks at so many lanes at most, or one with a million lanes that all wait would hold
# up everything else of its worker.
_MOST_LANES = 500


class LaneWalk:
    """
    Claims from the lanes of one queue.

    Each claim goes on where the last one stopped, and at the end begins anew: a lane late in
    the alphabet gets its turn like every other.
    """

    def __init__(self, queue: str, *, store: Store, worker: str, lease_seconds: float) -> None:
        self._queue = queue
        self._store = store
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._after = ""
        #: Whether the last claim stopped before it had seen every lane, with hands empty.
        self.is_unfinished = False

    def claim(self, limit: int) -> list[OutboxJob]:
        """Take the heads of up to ``limit`` lanes."""
        heads = self._free_heads(limit)
        self.is_unfinished = not heads and bool(self._after)
        if not heads:
            return []
        return self._store.take(heads, worker=self._worker, lease_seconds=self._lease_seconds)

    def _free_heads(self, limit: int) -> list[int]:
        free: list[int] = []
        start = self._after
        has_wrapped = not start
        budget = _MOST_LANES
        # Most lanes are free as a rule: a few more than are wanted will do at first.
        lanes = min(budget, 2 * limit + 8)
        while budget > 0:
            heads = self._store.heads(queue=self._queue, after=self._after, lanes=lanes)
            budget -= lanes
            for head in heads:
                if has_wrapped and start and head.group_key > start:
                    return free
                self._after = head.group_key
                if head.is_free:
                    free.append(head.job_id)
                    if len(free) == limit:
                        return free
            if len(heads) < lanes:
                self._after = ""
                if has_wrapped:
                    return free
                has_wrapped = True
            lanes = budget
        return free
