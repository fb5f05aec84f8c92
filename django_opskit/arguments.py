"""Types of arguments that several commands take."""

import argparse
import math

__all__ = ["days"]

_MOST_DAYS = 36_500


def days(text: str) -> float:
    """Read a number of days from 0 to 36,500, for ``add_argument(type=days)``."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 0 to {_MOST_DAYS}")
    return found
