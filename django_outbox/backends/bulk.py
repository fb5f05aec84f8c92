"""Storing many jobs at once: those that have a pending twin are left out first."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext

from django.db import IntegrityError, transaction

from django_outbox.backends.base import NewJob

__all__ = ["insert_around_twins"]

Keys = Sequence[tuple[str, str]]

# Each round needs a site to enqueue one of the keys between two statements of ours.
_MAX_ROUNDS = 20


def insert_around_twins(
    jobs: Sequence[NewJob],
    *,
    lock_twins: Callable[[Keys], set[tuple[str, str]]],
    insert: Callable[[Sequence[NewJob]], None],
    using: str,
) -> int:
    """
    Store those of ``jobs`` that have no pending twin, in their order; return how many.

    ``lock_twins`` says which (job type, dedup key) are pending and locks those jobs; ``insert``
    stores jobs without looking. For the databases whose quickest way to store many rows stops
    at the first one that collides.
    """
    unique = _without_repetitions(jobs)
    for _ in range(_MAX_ROUNDS):
        keys = [(job.job_type, job.dedup_key) for job in unique if job.dedup_key is not None]
        twins = lock_twins(keys) if keys else set()
        fresh = [job for job in unique if (job.job_type, job.dedup_key) not in twins]
        try:
            # Without keys none can collide, and nothing has to be undone.
            with transaction.atomic(using=using) if keys else nullcontext():
                if fresh:
                    insert(fresh)
        except IntegrityError:
            # Another transaction stored one of the keys just now, and the next look sees it.
            continue
        return len(fresh)
    raise IntegrityError(
        f"{len(unique)} jobs met new pending twins {_MAX_ROUNDS} times in a row. Under "
        "REPEATABLE READ a transaction does not see them: enqueue the jobs in a new one."
    )


def _without_repetitions(jobs: Sequence[NewJob]) -> list[NewJob]:
    seen: set[tuple[str, str]] = set()
    first = []
    for job in jobs:
        if job.dedup_key is not None:
            key = (job.job_type, job.dedup_key)
            if key in seen:
                continue
            seen.add(key)
        first.append(job)
    return first
