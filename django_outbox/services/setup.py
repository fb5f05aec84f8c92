"""A worker's options, from the call and the settings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django_outbox.conf import get_conf

__all__ = ["WorkerOptions", "worker_options"]

# One statement reports them all, and SQLite takes 32,766 values in one.
_MOST_JOBS = 10_000
_LONGEST_LEASE_SECONDS = 86_400


@dataclass(frozen=True)
class WorkerOptions:
    """
    How a worker works.

    Attributes:
        poll_seconds: the wait between looks when nothing is due.
        max_jobs: the most jobs taken in one look.
        concurrency: how many handlers run side by side.
        queues: which queues; empty for all that are declared.
        drain: stop by itself when nothing is due and nothing runs.
        grace_seconds: how long running handlers may finish after :meth:`Worker.stop`.
        lease_seconds: how long a job is held without a heartbeat.
        heartbeat_seconds: how often leases are extended.
    """

    poll_seconds: float = 2.0
    max_jobs: int = 50
    concurrency: int = 1
    queues: Sequence[str] = ()
    drain: bool = False
    grace_seconds: float = 30.0
    lease_seconds: float = 60.0
    heartbeat_seconds: float = 15.0


def worker_options(
    *,
    poll_seconds: float = 2.0,
    max_jobs: int = 50,
    concurrency: int = 1,
    queues: Sequence[str] = (),
    drain: bool = False,
    grace_seconds: float | None = None,
    lease_seconds: float | None = None,
) -> WorkerOptions:
    """
    Return checked options; what is left out comes from ``settings.OUTBOX``.

    Raises:
        ValueError: an option is out of range or a queue is not declared; says which.
    """
    conf = get_conf()
    if not poll_seconds > 0:
        raise ValueError(f"poll-seconds must be greater than 0, got {poll_seconds}.")
    if not 1 <= max_jobs <= _MOST_JOBS:
        raise ValueError(f"max-jobs must be 1 to {_MOST_JOBS}, got {max_jobs}.")
    if concurrency < 1:
        raise ValueError(f"concurrency must be 1 or more, got {concurrency}.")
    if grace_seconds is not None and not grace_seconds >= 0:
        raise ValueError(f"grace must be 0 seconds or more, got {grace_seconds}.")
    if lease_seconds is not None and not 1 <= lease_seconds <= _LONGEST_LEASE_SECONDS:
        raise ValueError(
            f"lease-seconds must be 1 to {_LONGEST_LEASE_SECONDS}, got {lease_seconds}."
        )
    for queue in queues:
        if queue not in conf.QUEUES:
            raise ValueError(
                f"Queue {queue!r} is not declared in OUTBOX['QUEUES']; declared: "
                f"{', '.join(conf.QUEUES)}."
            )
    return WorkerOptions(
        poll_seconds=poll_seconds,
        max_jobs=max_jobs,
        concurrency=concurrency,
        queues=tuple(queues),
        drain=drain,
        grace_seconds=conf.GRACE_SECONDS if grace_seconds is None else grace_seconds,
        lease_seconds=conf.LEASE_SECONDS if lease_seconds is None else lease_seconds,
        # Of a lease that is given here a quarter, so that a missed beat does not cost it.
        heartbeat_seconds=min(
            conf.HEARTBEAT_SECONDS, math.inf if lease_seconds is None else lease_seconds / 4
        ),
    )
