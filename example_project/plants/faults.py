"""Plants with the faults that real ones have, hour by hour."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import pi, sin

__all__ = ["PLANTS", "Fault", "readings"]

_DAYS = 14
_PEAK_KWH = 50.0


@dataclass(frozen=True)
class Fault:
    """
    A plant and what is wrong with it.

    Attributes:
        kind: of the job that it calls for; "" for none.
        shown: what the register shows at a moment, given what a sound one shows and how many days
            ago that is; None for a row without a value; ... for no row.
        ahead: how fast its clock is.
        note: what its data is noted for; "" for nothing.
    """

    code: str
    name: str
    kind: str
    shown: Callable[[float, float], object]
    ahead: timedelta = timedelta()
    note: str = ""


def _sound(kwh: float, _days: float) -> object:
    return kwh


PLANTS = (
    Fault("P01", "Sound", "", _sound),
    Fault(
        "P02",
        "Silent for five days",
        "no_coms",
        lambda kwh, days: kwh if days > 5 else ...,
        note="clock_error",
    ),
    Fault("P03", "Rows without values", "no_coms", lambda kwh, days: kwh if days > 4 else None),
    Fault("P04", "Stands still", "zero_reads", lambda kwh, days: kwh if days > 6 else 777.0),
    Fault(
        "P05",
        "Exchanged, and stands still since",
        "zero_reads",
        lambda kwh, days: kwh if days > 5 else 0.0,
    ),
    Fault(
        "P06",
        "Reset yesterday",
        "",
        lambda kwh, days: kwh if days > 1 else kwh / 1000,
        note="meter_reset",
    ),
    Fault("P07", "Dark for three days", "", lambda kwh, days: kwh if days > 3 else 9000.0),
    Fault("P08", "Reads at night only", "", lambda kwh, days: kwh if days % 1 < 0.25 else ...),
    Fault("P09", "Clock a day fast", "", _sound, ahead=timedelta(days=1), note="clock_error"),
)


def readings(fault: Fault, now: datetime) -> Iterator[tuple[datetime, float | None]]:
    """Yield the hourly rows of a plant for two weeks up to ``now``, the oldest first."""
    kwh = 1000.0
    for hours in range(24 * _DAYS, -1, -1):
        at = now - timedelta(hours=hours)
        # Between six and eighteen o'clock the sun shines.
        kwh += max(0.0, _PEAK_KWH * sin((at.hour - 6) / 12 * pi))
        shown = fault.shown(kwh, hours / 24)
        if shown is None or isinstance(shown, float):
            yield at + fault.ahead, shown
