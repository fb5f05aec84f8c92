"""When somebody is told that something is too high, and when that it is not any more."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Change", "Streak"]


class Change(StrEnum):
    """What an observation changes."""

    ALERT = "alert"
    RECOVERED = "recovered"


@dataclass
class Streak:
    """
    Raises an alert after so many bad observations in a row, and ends it after so many good ones.

    One good observation among bad ones begins the count again, and the other way round: what
    swings around its limit says nothing, in either state.
    """

    consecutive: int
    is_alerted: bool = False
    #: Observations in a row that speak against the present state.
    against: int = 0

    def observe(self, *, is_bad: bool) -> Change | None:
        """Take one observation; return what it changes."""
        if is_bad is self.is_alerted:
            self.against = 0
            return None
        self.against += 1
        if self.against < self.consecutive:
            return None
        self.is_alerted, self.against = is_bad, 0
        return Change.ALERT if is_bad else Change.RECOVERED
