"""
Figures as a document has them, and how they have changed since the period before.

Both come from what was measured and are rounded last: a change of rounded figures would be another.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

__all__ = ["Number", "beside"]

#: What was measured, as exactly as the database has it.
Number = float | Decimal | int

# A sum of fractions that should be nothing may be a trace of something, of which no change has a
# percentage.
_DIGITS = 4


def beside(
    now: Mapping[str, Number | None],
    then: Mapping[str, Number | None] | None,
    places: Mapping[str, int],
) -> dict[str, Any]:
    """
    Return the figures of a row, and beside them those of the period before if they are given.

    Args:
        now: by the names of the columns; what is missing is no figure.
        then: the same of the period before; None where nothing is compared.
        places: the columns, and how many digits each has after the point.
    """
    found: dict[str, Any] = {
        "values": {name: _rounded(now.get(name), digits) for name, digits in places.items()}
    }
    if then is not None:
        found["previous"] = {
            name: _rounded(then.get(name), digits) for name, digits in places.items()
        }
        found["change"] = {
            name: _change(now.get(name), then.get(name), digits) for name, digits in places.items()
        }
    return found


def _change(now: Number | None, then: Number | None, places: int) -> dict[str, Any]:
    if now is None or then is None:
        return {"absolute": None, "percent": None}
    if isinstance(now, float) or isinstance(then, float):
        now, then = float(now), float(then)
    # Decimals and whole numbers go together.
    difference: Any = now - then  # type: ignore[operator]
    percent = None
    if round(then, _DIGITS):
        percent = _rounded(float(difference) / abs(float(then)) * 100, 1)
    return {"absolute": _rounded(difference, places), "percent": percent}


def _rounded(value: Number | None, places: int) -> float | int | None:
    if value is None or not math.isfinite(value):
        return None
    if places == 0:
        return round(value)
    rounded: Any = round(value, places)
    # Plus 0, so that nothing is "-0.0".
    return float(rounded) + 0.0
