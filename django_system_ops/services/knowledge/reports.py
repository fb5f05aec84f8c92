"""What migrate_knowledge_base has done, or found."""

from dataclasses import dataclass, field
from pathlib import Path

from django_system_ops.services.knowledge.registry import LoadedStep
from django_system_ops.services.knowledge.table import Survey

__all__ = [
    "BadRows",
    "MigrationReport",
    "RollbackReport",
    "StepReport",
    "ValidationReport",
    "WayReport",
]


@dataclass
class StepReport:
    """How many rows a step took from its version to the next."""

    step: LoadedStep
    rows: int = 0
    batches: int = 0


@dataclass(frozen=True)
class MigrationReport:
    """
    What a run did, or in a dry run would do.

    Attributes:
        at_target: how many rows had the version before.
        newer: of how many rows the version is newer, by version.
        stuck: rows that cannot get there, each with why; see :class:`BadRows`.
        folder: where the rows are as they were; None when none was changed.
        error: what ended it before its time.
    """

    target: str
    steps: tuple[StepReport, ...]
    at_target: int
    newer: dict[str, int]
    stuck: "tuple[BadRows, ...]"
    folder: Path | None = None
    error: Exception | None = None

    @property
    def rows(self) -> int:
        """Return how many times a row was taken a step further."""
        return sum(one.rows for one in self.steps)


@dataclass
class BadRows:
    """
    Rows with the same thing wrong.

    Attributes:
        version: theirs; None when they have none, or when it is not one.
        examples: the first of them: the key, and what is wrong with that one, or "".
    """

    version: str | None
    reason: str
    count: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class ValidationReport:
    """
    What the validators say.

    Attributes:
        checked: how many rows were looked at, by version.
        unchecked: how many rows have a version that nobody validates, by version.
        bad: the rows that are not as they should be, or of no known version.
    """

    checked: dict[str, int]
    unchecked: dict[str, int]
    bad: tuple[BadRows, ...]
    survey: Survey


@dataclass
class WayReport:
    """
    What became of the rows of one step on the way back.

    Attributes:
        before, after: the versions before and after the step; rows went back to ``before``.
        by_step, by_image: how many went by the step's way back, or got what was kept.
        back_already: how many were back before.
        gone: how many have been deleted since.
        others: how many are of tenants that were not asked for.
    """

    before: str
    after: str
    by_step: int = 0
    by_image: int = 0
    back_already: int = 0
    gone: int = 0
    others: int = 0

    @property
    def rows(self) -> int:
        """Return how many rows went back."""
        return self.by_step + self.by_image


@dataclass
class RollbackReport:
    """
    What a rollback did, or in a dry run would do.

    Attributes:
        target: the version that the migration led to.
        folders: of the migrations that it took back.
        ways: what became of the rows of each step, the last step first.
        left: rows that stay as they are, each with why.
        error: what ended it before its time.
    """

    target: str
    folders: list[Path]
    ways: list[WayReport] = field(default_factory=list)
    left: list[BadRows] = field(default_factory=list)
    error: Exception | None = None

    def total(self, name: str) -> int:
        """Return the sum of one of the counts over all steps."""
        return sum(getattr(one, name) for one in self.ways)
