"""How many jobs a worker takes at once."""

__all__ = ["TARGET_SECONDS", "low_water", "prefetch", "smoothed_mean"]

#: How much work a worker may hold that it has not begun. Short jobs are then claimed in large
#: batches, for speed, and long ones singly, so that another worker can take the next one.
TARGET_SECONDS = 0.5

# The weight of the newest measurement: about the last ten jobs count.
_WEIGHT = 0.2


def smoothed_mean(mean_seconds: float | None, seconds: float) -> float:
    """Return the running mean of a job's run time after one more job, in seconds."""
    if mean_seconds is None:
        return seconds
    return mean_seconds + _WEIGHT * (seconds - mean_seconds)


def prefetch(mean_seconds: float | None, *, threads: int, limit: int) -> int:
    """
    Return how many jobs to claim, from 1 to ``limit``.

    Args:
        mean_seconds: what a job takes, None while unknown: then one per thread.
        threads: how many jobs run side by side.
        limit: the most that one claim may take.
    """
    if mean_seconds is None:
        wanted = threads
    elif mean_seconds * limit <= TARGET_SECONDS * threads:
        wanted = limit
    else:
        wanted = max(threads, int(TARGET_SECONDS * threads / mean_seconds))
    return max(1, min(wanted, limit))


def low_water(mean_seconds: float | None, *, threads: int, limit: int) -> int:
    """
    Return with how many waiting jobs the next ones are claimed already.

    None wait while jobs are long or their length is unknown. Short ones come half a batch early,
    so that threads go on while the database answers. Arguments as for :func:`prefetch`.
    """
    is_short = mean_seconds is not None and mean_seconds * limit <= TARGET_SECONDS * threads
    return limit // 2 if is_short else 0
