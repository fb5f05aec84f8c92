"""One pass over the due jobs, in this process and thread: for tests, cron and shells."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext

from django.db import connections, router

from django_outbox.conf import get_conf
from django_outbox.models import OutboxJob
from django_outbox.services.claiming import QueueRota
from django_outbox.services.context import JobContext
from django_outbox.services.execution import execute_here
from django_outbox.services.heartbeat import Heartbeat
from django_outbox.services.identity import worker_name
from django_outbox.services.rescue import rescue_expired
from django_outbox.services.settlement import give_back, settle

__all__ = ["run_once"]


def run_once(
    max_jobs: int = 50, *, queues: Sequence[str] | None = None, using: str | None = None
) -> int:
    """
    Run up to ``max_jobs`` due jobs here and now; return how many were begun.

    Everything happens on this thread's connection: inside a test's transaction the pass sees
    what the test wrote. Jobs enqueued by the handlers wait for the next pass.

    Args:
        max_jobs: at least 1.
        queues: the queues to look at; all of ``OUTBOX["QUEUES"]`` by default.
        using: the database; by default where the router writes :class:`OutboxJob`.
    """
    if max_jobs < 1:
        raise ValueError(f"max_jobs must be 1 or more, got {max_jobs}")
    conf = get_conf()
    alias = using or router.db_for_write(OutboxJob)
    worker = worker_name()
    rescue_expired(using=alias)
    rota = QueueRota(
        queues or list(conf.QUEUES),
        worker=worker,
        lease_seconds=conf.LEASE_SECONDS,
        using=alias,
    )
    claimed = rota.claim(max_jobs)
    while not claimed and rota.is_unfinished:
        claimed = rota.claim(max_jobs)
    waiting = [JobContext(job, alias) for job in claimed]
    contexts = {(context.job.pk, context.job.claim_no): context for context in waiting}
    begun = 0

    def lose(keys: Collection[tuple[int, int]]) -> None:
        for key in keys:
            contexts[key].lose()

    heartbeat = Heartbeat(
        worker,
        lease_seconds=conf.LEASE_SECONDS,
        every_seconds=conf.HEARTBEAT_SECONDS,
        using=alias,
        on_lost=lose,
    )
    # Inside a transaction nobody else sees the claim: none can take it, and an extension from
    # another connection would only wait for the rows.
    is_private = connections[alias].in_atomic_block
    with nullcontext() if is_private else heartbeat:
        heartbeat.hold([context.job for context in waiting])
        try:
            while waiting:
                context = waiting.pop(0)
                begun += 1
                result = execute_here(context)
                settle([result], using=alias)
                heartbeat.drop([context.job])
                if isinstance(result.error, KeyboardInterrupt):
                    raise result.error
        finally:
            give_back([context.job for context in waiting], using=alias)
    return begun
