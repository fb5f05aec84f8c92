"""When the next job will be due, so that nobody has to look before."""

from collections.abc import Iterable

from django.db import connections

from django_opskit.clock import ServerTime
from django_outbox.models import OutboxJob

__all__ = ["seconds_until_due"]

# Each priority costs a probe of the index. A queue that uses more of them is looked at as often
# as --poll-seconds says.
_MOST_PRIORITIES = 10

_WAITING = """
SELECT 1 FROM outbox_job WHERE status = 'PENDING' AND queue = %s AND group_key = '' LIMIT 1
"""


def seconds_until_due(queues: Iterable[str], *, using: str) -> float | None:
    """
    Return when the first waiting job of ``queues`` is due, by the server's clock, at least 0.

    None when nothing waits. Jobs in lanes are not looked at: the one before decides when they run.
    """
    soonest: float | None = None
    for queue in queues:
        if not _any_waiting(queue, using):
            continue
        waiting = (
            OutboxJob.objects.using(using)
            .pending()
            .filter(queue=queue, group_key="")
            .order_by("-priority", "run_after")
            .annotate(now=ServerTime())
            .values_list("priority", "run_after", "now")
        )
        row = waiting.first()
        for _ in range(_MOST_PRIORITIES):
            if row is None:
                break
            priority, run_after, now = row
            left = max(0.0, (run_after - now).total_seconds())
            soonest = left if soonest is None else min(soonest, left)
            row = waiting.filter(priority__lt=priority).first()
    return soonest


def _any_waiting(queue: str, using: str) -> bool:
    # Asked by every idle worker at each look: by hand, at a fraction of the ORM's price.
    with connections[using].cursor() as cursor:
        cursor.execute(_WAITING, (queue,))
        return cursor.fetchone() is not None
