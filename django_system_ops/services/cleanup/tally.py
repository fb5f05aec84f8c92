"""What was done so far, added up over batches and jobs."""

from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Tally"]

_MOST_NAMES = 20


@dataclass
class Tally:
    """
    Counts of a batch, of a job, of a type.

    Attributes:
        rows: that went, by model.
        nulled: fields that were set to NULL, by model and field.
        protected: rows of the type that stay, by what keeps them; ``kept`` is how many in all.
        files: that were removed, and how many ``bytes`` they had.
        failures: how many files or directories could not be removed; ``failed`` names the first.
        archived: rows that were written into the archive.
        longest_seconds: what the slowest statement took.
    """

    rows: Counter[str] = field(default_factory=Counter)
    nulled: Counter[str] = field(default_factory=Counter)
    protected: Counter[str] = field(default_factory=Counter)
    kept: int = 0
    files: int = 0
    directories: int = 0
    bytes: int = 0
    failures: int = 0
    failed: list[str] = field(default_factory=list)
    archived: int = 0
    longest_seconds: float = 0.0

    def fail(self, name: str, error: object) -> None:
        """Count a file that could not be removed."""
        self.failures += 1
        if len(self.failed) < _MOST_NAMES:
            self.failed.append(f"{name}: {error}")

    def add(self, other: "Tally") -> None:
        """Add what another counted."""
        self.rows.update(other.rows)
        self.nulled.update(other.nulled)
        self.protected.update(other.protected)
        for name in ("kept", "files", "directories", "bytes", "failures", "archived"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failed += other.failed[: _MOST_NAMES - len(self.failed)]
        self.longest_seconds = max(self.longest_seconds, other.longest_seconds)
