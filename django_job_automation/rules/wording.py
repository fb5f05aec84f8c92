"""Numbers and moments in sentences for operators."""

from datetime import UTC, datetime

__all__ = ["days", "moment"]


def days(count: float) -> str:
    """Return ``3 days``, ``0.5 days``; as published, with no singular."""
    return f"{count:g} days"


def moment(at: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
