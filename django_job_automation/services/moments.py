"""Moments as people and programs write them."""

from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

__all__ = ["parse_moment"]

# Beyond these days of the calendar are near, over whose edges nothing can be computed.
_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def parse_moment(text: str, *, needs_offset: bool) -> datetime:
    """
    Read a moment in ISO 8601.

    Args:
        text: such as 2026-11-20T06:00Z.
        needs_offset: False takes one without an offset to be in the site's time zone.

    Raises:
        ValueError: it is none, has no offset, or lies beyond 1970 and 9000.
    """
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"{text!r} is no moment: write it as 2026-11-20T06:00Z")
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise ValueError(f"{text!r} is not between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    if timezone.is_aware(found):
        return found
    if needs_offset:
        raise ValueError(f"{text!r} has no offset: write it as 2026-11-20T06:00Z")
    return timezone.make_aware(found)
