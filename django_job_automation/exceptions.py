"""What goes wrong, by name."""

from collections.abc import Sequence

__all__ = [
    "AdapterError",
    "JobAutomationError",
    "OverrideError",
    "RunLockedError",
    "UnknownRuleError",
    "UnknownSiteError",
    "VersionConflictError",
]


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


class UnknownRuleError(JobAutomationError):
    """A rule was named that does not exist."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no rule {name!r}: there are {', '.join(known)}.")


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


class OverrideError(JobAutomationError):
    """
    Settings that cannot be set.

    Attributes:
        problems: one sentence for each key that is wrong.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class VersionConflictError(JobAutomationError):
    """Somebody else has changed the settings; attributes: ``seen`` and ``found``."""

    def __init__(self, seen: int, found: int) -> None:
        super().__init__(
            f"Version {seen} of the settings was to be changed, and there is version {found}: "
            "read them again."
        )
        self.seen, self.found = seen, found
