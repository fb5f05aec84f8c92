"""The source's clock, as we keep it and send it back."""

from datetime import UTC, datetime, timedelta

__all__ = ["earlier", "written"]


def written(moment: datetime) -> str:
    """Return ``moment`` as RFC 3339 in UTC, without the plus sign that a query would lose."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def earlier(cursor: str, overlap_s: float) -> str:
    """Return the moment ``overlap_s`` before ``cursor``, both as :func:`written`."""
    return written(datetime.fromisoformat(cursor) - timedelta(seconds=overlap_s))
