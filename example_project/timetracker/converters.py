"""Days and months in addresses: ``2026-11-20`` and ``2026-11``."""

from datetime import date

__all__ = ["DayConverter", "MonthConverter"]


class DayConverter:
    """A day; an address with a day that does not exist is not found."""

    regex = "[12][0-9]{3}-[01][0-9]-[0-3][0-9]"

    def to_python(self, value: str) -> date:
        """Return the day; ``ValueError`` when the calendar does not have it."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        """Return the day as it stands in an address."""
        return value.isoformat()


class MonthConverter:
    """A month, given to the view as its first day."""

    regex = "[12][0-9]{3}-[01][0-9]"

    def to_python(self, value: str) -> date:
        """Return the month's first day; ``ValueError`` when there is no such month."""
        return date.fromisoformat(f"{value}-01")

    def to_url(self, value: date) -> str:
        """Return the month of the day ``value`` as it stands in an address."""
        return f"{value:%Y-%m}"
