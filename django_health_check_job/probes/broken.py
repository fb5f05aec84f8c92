"""What stands in for a check that cannot be made."""

from typing import NoReturn

from django_health_check_job.probes.base import Unknown

__all__ = ["BrokenProbe"]


class BrokenProbe:
    """
    UNKNOWN, with the reason: a check that was listed and is not there must be seen.

    Args:
        name: what the check would be called.
        reason: why it cannot be made; it is published.
    """

    critical = True

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.timeout_seconds: float | None = None
        self._reason = reason

    @property
    def is_async(self) -> bool:
        """Return False."""
        return False

    def run(self) -> NoReturn:
        """Say why."""
        raise Unknown(f"cannot be set up: {self._reason}")
