"""
One site and its readings: is it silent, is it flat, and why.

These are the definitions. The rules say the same in one statement over all sites, and a test lets
both judge the same random histories.

*Silent* (no_coms): no valid reading for longer than the threshold. One exactly that old is none too
many. A site that was never read is silent once it was commissioned longer ago than that, or when
nobody knows since when it is there.

*Flat* (zero_reads): the site talks; the window holds enough moments; there is a reading from before
the window, so that the register was seen for the whole of it; and every value in the window equals
that one. So nights and gaps make nothing flat: the register carries what was counted meanwhile. A
fall is a change as well, of another kind: a reset, an exchange.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django_job_automation.engine.limits import NoComsLimits, ZeroReadsLimits

__all__ = ["Flatness", "Reading", "Silence", "is_flat", "is_silent", "judge_flat", "judge_silent"]


@dataclass(frozen=True)
class Reading:
    """One row of a register: a moment with its time zone, and a value that may be missing."""

    at: datetime
    value: Decimal | None


class Silence(StrEnum):
    """Why a site is silent or not."""

    TALKS = "talks"
    NEW = "never read, and commissioned lately"
    NEVER = "never read"
    SILENT = "silent"


class Flatness(StrEnum):
    """Why a site is flat or not."""

    SILENT = "silent: it has no register to judge"
    FEW = "too few readings in the window"
    YOUNG = "no reading from before the window"
    MOVES = "its register moves"
    FLAT = "flat"


def judge_silent(
    readings: Iterable[Reading],
    limits: NoComsLimits,
    *,
    as_of: datetime,
    commissioned_at: datetime | None,
) -> Silence:
    """Return whether a site is silent, in the words of the reason."""
    latest = as_of + limits.future_tolerance
    moments = [one.at for one in readings if one.value is not None and one.at <= latest]
    cutoff = as_of - limits.threshold
    if not moments:
        is_new = commissioned_at is not None and commissioned_at >= cutoff
        return Silence.NEW if is_new else Silence.NEVER
    return Silence.TALKS if max(moments) >= cutoff else Silence.SILENT


def is_silent(
    readings: Iterable[Reading],
    limits: NoComsLimits,
    *,
    as_of: datetime,
    commissioned_at: datetime | None,
) -> bool:
    """Return whether a site is silent."""
    found = judge_silent(readings, limits, as_of=as_of, commissioned_at=commissioned_at)
    return found in (Silence.NEVER, Silence.SILENT)


def judge_flat(
    readings: Iterable[Reading],
    limits: ZeroReadsLimits,
    silence: NoComsLimits,
    *,
    as_of: datetime,
) -> Flatness:
    """Return whether a site's register stands still, in the words of the reason."""
    readings = list(readings)
    # A site that was never read has no window either: when it came does not matter here.
    if is_silent(readings, silence, as_of=as_of, commissioned_at=None):
        return Flatness.SILENT
    start = as_of - limits.window
    known = [(one.at, one.value) for one in readings if one.value is not None and one.at <= as_of]
    window = [(at, value) for at, value in known if at > start]
    before = [(at, value) for at, value in known if at <= start]
    if not before:
        return Flatness.YOUNG
    if len({at for at, _value in window}) < limits.readings:
        return Flatness.FEW
    # Of two at the same moment the higher one: without a rule it would be any of them.
    _at, baseline = max(before)
    values = [value for _at, value in window]
    moves = (
        max(values) - baseline > limits.min_increase or baseline - min(values) > limits.min_increase
    )
    return Flatness.MOVES if moves else Flatness.FLAT


def is_flat(
    readings: Iterable[Reading],
    limits: ZeroReadsLimits,
    silence: NoComsLimits,
    *,
    as_of: datetime,
) -> bool:
    """Return whether a site's register stands still."""
    return judge_flat(readings, limits, silence, as_of=as_of) is Flatness.FLAT
