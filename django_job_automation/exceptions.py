"""What goes wrong, by name."""

from collections.abc import Sequence

__all__ = ["AdapterError", "JobAutomationError", "RunLockedError", "UnknownSiteError"]


class JobAutomationError(Exception):
    """The parent of all errors of this app."""


class AdapterError(JobAutomationError):
    """The adapter does not describe models that exist; the message names what is missing."""


class RunLockedError(JobAutomationError):
    """
    Another run is at work.

    Attributes:
        run: its key.
    """

    def __init__(self, run: int, started_by: str) -> None:
        super().__init__(f"Run {run} is at work, started by {started_by}: nothing was done.")
        self.run = run


class UnknownSiteError(JobAutomationError):
    """
    Sites were named that do not exist.

    Attributes:
        keys: their names.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        shown = ", ".join(map(repr, keys))
        super().__init__(f"There is no site {shown}: nothing was done. Give its site_id.")
        self.keys = tuple(keys)
