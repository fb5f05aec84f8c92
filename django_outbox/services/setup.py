"""A worker's options, from the call and the settings."""

from collections.abc import Sequence

from django_outbox.conf import get_conf
from django_outbox.services.worker import WorkerOptions

__all__ = ["worker_options"]


def worker_options(
    *,
    poll_seconds: float = 2.0,
    max_jobs: int = 50,
    concurrency: int = 1,
    queues: Sequence[str] = (),
    drain: bool = False,
    grace_seconds: float | None = None,
) -> WorkerOptions:
    """
    Return checked options; what is left out comes from ``settings.OUTBOX``.

    Raises:
        ValueError: an option is out of range or a queue is not declared; says which.
    """
    conf = get_conf()
    if not poll_seconds > 0:
        raise ValueError(f"poll-seconds must be greater than 0, got {poll_seconds}.")
    if max_jobs < 1:
        raise ValueError(f"max-jobs must be 1 or more, got {max_jobs}.")
    if concurrency < 1:
        raise ValueError(f"concurrency must be 1 or more, got {concurrency}.")
    if grace_seconds is not None and not grace_seconds >= 0:
        raise ValueError(f"grace must be 0 seconds or more, got {grace_seconds}.")
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
        lease_seconds=conf.LEASE_SECONDS,
        heartbeat_seconds=conf.HEARTBEAT_SECONDS,
    )
