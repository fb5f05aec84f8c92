"""
One site and its readings: is its data to be trusted.

*clock_error*: a reading has a value and lies further ahead than a clock may be fast. *never_read*:
no reading has a value, up to that moment. *meter_reset*: the newest value is lower than that from
before the window, by more than the tolerance; a register that only counts up has then been reset,
exchanged or connected the other way round.
"""

from collections.abc import Iterable
from datetime import datetime

from django_job_automation.engine.judging import Reading
from django_job_automation.engine.limits import NoComsLimits, ZeroReadsLimits

__all__ = ["CLOCK_ERROR", "KINDS", "METER_RESET", "NEVER_READ", "faults"]

CLOCK_ERROR, METER_RESET, NEVER_READ = "clock_error", "meter_reset", "never_read"
KINDS = (CLOCK_ERROR, METER_RESET, NEVER_READ)


def faults(
    readings: Iterable[Reading],
    silence: NoComsLimits,
    limits: ZeroReadsLimits,
    *,
    as_of: datetime,
) -> set[str]:
    """Return what is wrong with the data of a site at a moment that is now."""
    known = [(one.at, one.value) for one in readings if one.value is not None]
    latest = as_of + silence.future_tolerance
    found = set()
    if any(at > latest for at, _value in known):
        found.add(CLOCK_ERROR)
    if not any(at <= latest for at, _value in known):
        found.add(NEVER_READ)
    seen = [pair for pair in known if pair[0] <= as_of]
    before = [pair for pair in seen if pair[0] <= as_of - limits.window]
    if before and max(before)[1] - max(seen)[1] > limits.min_increase:
        found.add(METER_RESET)
    return found
