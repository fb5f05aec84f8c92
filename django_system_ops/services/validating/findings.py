"""What checks say: what they looked at, what they found, and what they could not look at."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import DatabaseError, connections, models, transaction

__all__ = ["CheckReport", "Finding", "Fix", "Inspection", "Level", "Outcome"]


class Level(StrEnum):
    """How much a finding matters: INFO alone leaves the exit status as it is."""

    FINDING = "finding"
    INFO = "info"


class Outcome(StrEnum):
    """What became of a check. One that looked at nothing has not passed."""

    PASSED = "passed"
    FINDINGS = "findings"
    NOTHING = "nothing to look at"
    ERROR = "error"


@dataclass(frozen=True)
class Fix:
    """
    A change that mends a finding and can do no harm.

    ``rows`` are those that are wrong *now*: its condition is asked again by the very statement
    that changes them. ``set_null`` is the field that loses its value; without one the rows go.
    """

    rows: models.QuerySet[models.Model]
    set_null: "models.Field[object, object] | None" = None


@dataclass(frozen=True)
class Finding:
    """
    One thing that is wrong.

    Attributes:
        object: where, such as ``shop.Message.chat``.
        count: how many rows; always exact, whatever number of examples there is.
        sql: what somebody who knows the data might run; never run by us.
    """

    object: str
    message: str
    count: int = 1
    examples: Sequence[str] = ()
    sql: str = ""
    level: Level = Level.FINDING
    fix: Fix | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class CheckReport:
    """
    What one check did.

    Attributes:
        unit: what it counts: keys, models, constraints.
        total: how many there are; ``looked_at`` of them were looked at, and each of the others
            is in ``skipped`` (by reason), in ``errors``, or a finding because it is missing.
        rows: how many rows that took; None where it is not about rows.
        notes: what else limits what it can say, such as a sample.
    """

    name: str
    unit: str
    total: int = 0
    looked_at: int = 0
    rows: int | None = None
    findings: Sequence[Finding] = ()
    skipped: dict[str, Sequence[str]] = field(default_factory=dict)
    errors: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def outcome(self) -> Outcome:
        """Return what became of it."""
        if self.errors:
            return Outcome.ERROR
        if self.is_finding:
            return Outcome.FINDINGS
        return Outcome.PASSED if self.looked_at else Outcome.NOTHING

    @property
    def is_finding(self) -> bool:
        """Return whether it found what has to be mended."""
        return any(one.level == Level.FINDING for one in self.findings)

    @property
    def counts(self) -> Counter[str]:
        """Return how many rows, or things, of each level it found."""
        counts: Counter[str] = Counter()
        for one in self.findings:
            counts[one.level.value] += one.count
        return counts


class Inspection:
    """What a check has done so far; :meth:`report` is what it says in the end."""

    def __init__(self, name: str, unit: str, using: str) -> None:
        self.name = name
        self.unit = unit
        self.rows: int | None = None
        self._using = using
        self._total = 0
        self._looked_at = 0
        self._findings: list[Finding] = []
        self._skipped: dict[str, list[str]] = {}
        self._errors: list[str] = []
        self._notes: list[str] = []

    @contextmanager
    def looking_at(self, what: str) -> Iterator[None]:
        """
        Count ``what`` as looked at when the block goes through.

        What the database refuses is an error of this one thing: the check goes on.
        """
        self._total += 1
        try:
            with self._savepoint():
                yield
        except DatabaseError as error:
            self._errors.append(f"{what}: {' '.join(str(error).split())}")
        else:
            self._looked_at += 1

    def _savepoint(self) -> AbstractContextManager[None]:
        # Inside a transaction PostgreSQL refuses everything after an error. Outside of one there
        # is no need, and beginning one would make SQLite's writers wait for us.
        if connections[self._using].in_atomic_block:
            return transaction.atomic(using=self._using)
        return nullcontext()

    def looked_at(self, number: int) -> None:
        """Count so many things that were looked at all at once."""
        self._total += number
        self._looked_at += number

    def add_rows(self, number: int) -> None:
        """Count rows that were looked at."""
        self.rows = (self.rows or 0) + number

    def find(self, finding: Finding) -> None:
        """Take down a finding."""
        self._findings.append(finding)

    def skip(self, what: str, reason: str) -> None:
        """Take down that ``what`` was there and was not looked at."""
        self._total += 1
        self._skipped.setdefault(reason, []).append(what)

    def note(self, sentence: str) -> None:
        """Take down what limits what the check can say."""
        self._notes.append(sentence)

    def miss(self, what: str, message: str) -> None:
        """Take down as a finding that ``what`` cannot be looked at, since it is not there."""
        self._total += 1
        self._findings.append(Finding(what, message))

    def report(self) -> CheckReport:
        """Return what it came to."""
        return CheckReport(
            self.name,
            self.unit,
            self._total,
            self._looked_at,
            self.rows,
            tuple(self._findings),
            {reason: tuple(those) for reason, those in self._skipped.items()},
            tuple(self._errors),
            tuple(self._notes),
        )
