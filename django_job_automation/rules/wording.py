"""Numbers and moments in sentences for operators."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

__all__ = ["days", "figure", "moment"]


def days(count: float) -> str:
    """Return ``3 days``, ``0.5 days``; as published, with no singular."""
    return f"{count:g} days"


def moment(at: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def figure(value: Any) -> str:
    """Return what a register shows without zeros at the end, which are not on each database."""
    return f"{Decimal(str(value)).normalize():f}"
