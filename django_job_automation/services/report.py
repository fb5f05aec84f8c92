"""What came of a run, for whoever asked for it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django_job_automation.rules import Flag, Rule
from django_job_automation.services.closing import Closing

__all__ = ["RuleReport", "RunReport"]


@dataclass
class RuleReport:
    """
    What one rule came to.

    Attributes:
        is_enabled: False: it was not asked.
        found: sites that it flagged.
        created: jobs that it opened, or would open in a dry run.
        closed: jobs that it closed, or would close.
        incident: why jobs were held back; "" when none were.
        error: why it failed; "" when it did not.
    """

    rule: Rule
    is_enabled: bool = True
    found: int = 0
    created: int = 0
    closed: int = 0
    incident: str = ""
    error: str = ""
    flags: list[Flag] = field(default_factory=list, repr=False)
    #: Those that got a job in this run.
    opened: list[Flag] = field(default_factory=list, repr=False)
    #: Sites that get a job with every run, open ones or not.
    repeated: set[Any] = field(default_factory=set, repr=False)
    held: set[Any] = field(default_factory=set, repr=False)
    closing: Closing | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RunReport:
    """A run, and its rules in the order in which they were asked; ``run`` is None for a dry run."""

    run: int | None
    as_of: datetime
    rules: tuple[RuleReport, ...]

    @property
    def created(self) -> int:
        """Return how many jobs were opened."""
        return sum(one.created for one in self.rules)

    @property
    def failed(self) -> list[RuleReport]:
        """Return the rules that failed."""
        return [one for one in self.rules if one.error]
