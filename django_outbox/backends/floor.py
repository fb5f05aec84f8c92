"""Where the next claim of a queue may begin."""

import time
from dataclasses import dataclass
from datetime import datetime

from django_outbox.models import OutboxJob

__all__ = ["Floor"]

# Jobs that are due before the floor (committed late, of a higher priority, passed over since
# they were locked) wait so long for a look at the whole queue, or a little longer when that
# look itself takes its time.
_LASTS_SECONDS = 0.25
_LOOK_SHARE = 0.1


@dataclass(frozen=True)
class Floor:
    """
    The last job of a claim that was full: the next one goes on behind it.

    A claim leaves dead entries at the front of the index, and while an old transaction keeps
    VACUUM from removing them, each claim that begins there reads them all again.
    """

    priority: int
    run_after: datetime
    job_id: int
    until: float

    @classmethod
    def behind(cls, last: OutboxJob, *, look_seconds: float) -> "Floor":
        """Return the floor behind ``last``, found by a look that took so long."""
        lasts_s = max(_LASTS_SECONDS, look_seconds / _LOOK_SHARE)
        return cls(last.priority, last.run_after, last.pk, time.monotonic() + lasts_s)

    def raised(self, last: OutboxJob) -> "Floor":
        """Return the floor behind ``last``, which lasts no longer than this one."""
        return Floor(last.priority, last.run_after, last.pk, self.until)

    @property
    def is_valid(self) -> bool:
        """Whether nobody has to look at the whole queue yet."""
        return time.monotonic() < self.until
