"""The moments at which a loop does its work: a grid that does not drift."""

import math

__all__ = ["last_tick", "next_tick"]

# Moments are floats: what is this close to a tick has reached it.
_NEAR = 1e-9


def next_tick(tick: int, *, elapsed_seconds: float, interval_seconds: float) -> int:
    """
    Return the number of the tick after ``tick``: the first one that still lies ahead.

    Tick n is due n intervals after the start. Those that passed while one was at work are
    skipped; doing them late would only make all that follow late.
    """
    passed = math.floor(elapsed_seconds / interval_seconds + _NEAR)
    return max(tick + 1, passed + 1)


def last_tick(*, duration_seconds: float, interval_seconds: float) -> int:
    """Return the number of the last tick within a duration; 1 where it holds none."""
    return max(1, math.floor(duration_seconds / interval_seconds + _NEAR))
