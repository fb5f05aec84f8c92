"""What came of a run, for whoever asked for it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django_job_automation.rules import Flag, Note, Rule
from django_job_automation.services.closing import Closing
from django_opskit.masking import mask_text

__all__ = ["RuleReport", "RunReport", "sentence_of"]


@dataclass
class RuleReport:
    """
    What one rule came to.

    Attributes:
        is_enabled: False: it was not asked.
        incident: why jobs were held back; "" when none were.
        error: why it failed; "" when it did not.
    """

    rule: Rule
    is_enabled: bool = True
    incident: str = ""
    error: str = ""
    flags: list[Flag] = field(default_factory=list, repr=False)
    notes: list[Note] = field(default_factory=list, repr=False)
    #: Those that got a job in this run, or would in a dry run.
    opened: list[Flag] = field(default_factory=list, repr=False)
    #: Sites that get a job with every run, open ones or not.
    repeated: set[Any] = field(default_factory=set, repr=False)
    held: set[Any] = field(default_factory=set, repr=False)
    closing: Closing | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """Return what the rule is called; that of a site's own may be translated."""
        return str(self.rule.title)

    @property
    def found(self) -> int:
        """Return how many sites it flagged."""
        return len(self.flags)

    @property
    def created(self) -> int:
        """Return how many jobs it opened, or would open."""
        return len(self.opened)

    @property
    def closed(self) -> int:
        """Return how many jobs it closed, or would close."""
        return len(self.closing.due) if self.closing else 0

    def fail(self, error: str) -> None:
        """Forget what it found: nothing of it was written."""
        self.error, self.flags, self.notes, self.opened, self.closing = error, [], [], [], None

    def document(self) -> dict[str, Any]:
        """Return what programs read of it."""
        return {
            "rule": self.rule.name,
            "enabled": self.is_enabled,
            "found": self.found,
            "created": self.created,
            "closed": self.closed,
            "noted": len(self.notes),
            "incident": self.incident,
            "error": self.error,
        }


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


def sentence_of(error: BaseException) -> str:
    """Return what is kept of an error: its name and text, without secrets."""
    text = str(error).strip()
    return mask_text(f"{type(error).__name__}: {text}" if text else type(error).__name__)
