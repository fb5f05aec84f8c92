"""What became of the rows, model by model."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["ModelReport", "MoveReport"]

_MOST_FINDINGS = 50


@dataclass
class ModelReport:
    """
    What became of the rows of one model.

    Attributes:
        rows: how many go along.
        copied, moved: rows that were written for the target, or handed to it.
        adopted: rows of the target that are used in place of a copy.
        updated: rows of the target that were brought up to date.
        skipped: rows that the target had from a run before.
        renamed: rows whose text got a number, since the target has the same.
        files: that were copied.
        unlinked: links to rows that do not go along, and are NULL in the copy; by field.
        sha256: over the rows as they should be; the check found the same, or there are findings.
    """

    rows: int = 0
    copied: int = 0
    moved: int = 0
    adopted: int = 0
    updated: int = 0
    skipped: int = 0
    renamed: int = 0
    files: int = 0
    unlinked: dict[str, int] = field(default_factory=dict)
    sha256: str = ""

    def unlink(self, names: Iterable[str]) -> None:
        """Count links that are NULL in a copy."""
        for name in names:
            self.unlinked[name] = self.unlinked.get(name, 0) + 1


@dataclass
class MoveReport:
    """What a run did; ``findings`` are those of the check behind it."""

    mode: str
    source: str
    target: str
    dry_run: bool
    verify_only: bool
    models: dict[str, ModelReport] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    finding_count: int = 0

    def of(self, label: str) -> ModelReport:
        """Return the part of a model."""
        return self.models.setdefault(label, ModelReport())

    def find(self, text: str) -> None:
        """Take a finding; the first fifty are kept as they are."""
        self.finding_count += 1
        if len(self.findings) < _MOST_FINDINGS:
            self.findings.append(text)

    def document(self) -> Mapping[str, Any]:
        """Return it as JSON has it."""
        return {
            "mode": self.mode,
            "from": self.source,
            "to": self.target,
            "dry_run": self.dry_run,
            "verify_only": self.verify_only,
            "models": {label: asdict(one) for label, one in sorted(self.models.items())},
            "findings": self.findings,
            "finding_count": self.finding_count,
        }

    def counters(self) -> dict[str, int]:
        """Return the sums over all models."""
        names = ("rows", "copied", "moved", "adopted", "updated", "skipped", "renamed", "files")
        sums = {name: sum(getattr(one, name) for one in self.models.values()) for name in names}
        return {**sums, "findings": self.finding_count}
