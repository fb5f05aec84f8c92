"""What a rule is asked to find, in its own terms: days, numbers of readings, a tolerance."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

__all__ = ["NoComsLimits", "ZeroReadsLimits"]


@dataclass(frozen=True)
class NoComsLimits:
    """
    When a site counts as silent.

    Attributes:
        threshold: a site that has sent nothing for longer than this is silent.
        future_tolerance: how far a meter's clock may be fast; readings beyond are no readings.
    """

    threshold: timedelta
    future_tolerance: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class ZeroReadsLimits:
    """
    When a site counts as flat.

    Attributes:
        window: for so long its register has to have stood still.
        readings: at least so many moments within the window have to have been read.
        min_increase: a rise or fall of up to this is none.
    """

    window: timedelta
    readings: int
    min_increase: Decimal = Decimal(0)
