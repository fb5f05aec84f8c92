"""Moments on a command line."""

from datetime import date, datetime, time

from django.utils.timezone import is_naive, make_aware

from django_system_ops.exceptions import WrongUsageError

__all__ = ["moment_in"]


def moment_in(value: str | date | None, option: str) -> datetime | None:
    """
    Return an aware moment for ISO 8601: a day is its beginning in the site's time zone.

    Called from Python, a date or a datetime will do.

    Raises:
        WrongUsageError: it is none of these.
    """
    if value is None:
        return None
    found = value
    if isinstance(found, str):
        try:
            found = datetime.fromisoformat(found)
        except ValueError:
            raise WrongUsageError(
                f"{option} {value!r} is no day and no moment: write 2026-06-30, or "
                "2026-06-30T12:00."
            ) from None
    if not isinstance(found, datetime):
        found = datetime.combine(found, time.min)
    return make_aware(found) if is_naive(found) else found
