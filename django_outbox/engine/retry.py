"""What becomes of a job whose attempt failed, and when it is tried again."""

from dataclasses import dataclass

__all__ = ["Bury", "Retry", "after_failure", "retry_delay_seconds"]

# 2 ** 64 seconds is beyond every cap; a bound keeps the power an ordinary number.
_MAX_EXPONENT = 64


@dataclass(frozen=True)
class Retry:
    """Try again after ``delay_seconds``."""

    delay_seconds: float


@dataclass(frozen=True)
class Bury:
    """The attempts are used up: the job is a dead letter until somebody looks at it."""


def retry_delay_seconds(
    attempts: int, *, cap_seconds: float, jitter: float, chance: float
) -> float:
    """
    Return how long to wait after the given number of attempts: ``min(cap, 2 ** attempts)``.

    Args:
        attempts: attempts made so far, 1 after the first.
        cap_seconds: the longest wait before jitter.
        jitter: the share of the wait that is left to chance, 0 to 1. It only adds, so that jobs
            which failed together do not come back together and none comes back early.
        chance: a random number, 0 to 1, from the caller.
    """
    if attempts < 1:
        raise ValueError(f"attempts counts from 1, got {attempts}")
    delay: float = min(cap_seconds, 2 ** min(attempts, _MAX_EXPONENT))
    return delay * (1 + jitter * chance)


def after_failure(
    attempts: int, max_attempts: int, *, cap_seconds: float, jitter: float, chance: float
) -> Retry | Bury:
    """Return the verdict on a job whose attempt number ``attempts`` has just failed."""
    if attempts >= max_attempts:
        return Bury()
    return Retry(
        retry_delay_seconds(attempts, cap_seconds=cap_seconds, jitter=jitter, chance=chance)
    )
