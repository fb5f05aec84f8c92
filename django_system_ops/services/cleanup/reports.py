"""What a run of cleanup_old_data has done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django_system_ops.services.cleanup.tally import Tally

__all__ = ["CleanupReport", "TypeReport"]


@dataclass(frozen=True)
class TypeReport:
    """
    What was done about one type.

    Attributes:
        place: the model or the directory.
        cutoff: what is older was to go.
        seconds: how long it took.
        jobs: how many there were, and ``jobs_reason`` why not as many as wanted.
        collector: why Django's collector did it; empty where it did not.
        is_complete: whether all was looked at.
        left: old rows that are still there though nothing keeps them; None if not counted.
        error: what went wrong.
    """

    name: str
    place: str
    days: float
    cutoff: date
    tally: Tally
    seconds: float
    jobs: int = 1
    jobs_reason: str = ""
    collector: str = ""
    is_complete: bool = True
    left: int | None = None
    archive: Path | None = None
    error: BaseException | None = None

    @property
    def rows(self) -> int:
        """Return how many rows went."""
        return self.tally.rows.total()

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        tally = self.tally
        return {
            "place": self.place,
            "days": self.days,
            "cutoff": self.cutoff,
            "rows": dict(sorted(tally.rows.items())),
            "nulled": dict(sorted(tally.nulled.items())),
            "files": tally.files,
            "directories": tally.directories,
            "bytes": tally.bytes,
            "protected": dict(sorted(tally.protected.items())),
            "kept": tally.kept,
            "failures": tally.failures,
            "failed": tally.failed,
            "archived": tally.archived,
            "archive": self.archive,
            "complete": self.is_complete,
            "left": self.left,
            "seconds": round(self.seconds, 3),
            "jobs": self.jobs,
            "jobs_reason": self.jobs_reason,
            "collector": self.collector,
            "longest_statement_seconds": round(tally.longest_seconds, 4),
        }


@dataclass(frozen=True)
class CleanupReport:
    """
    What a run did.

    Attributes:
        skipped: types that were left alone, each with the reason.
        error: what ended it before its time; types after that one are not in it.
    """

    dry_run: bool
    types: tuple[TypeReport, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    is_complete: bool = True
    error: BaseException | None = None

    @property
    def has_findings(self) -> bool:
        """Return whether something could not be removed."""
        return any(one.tally.kept or one.tally.failures for one in self.types)

    def counters(self) -> dict[str, int]:
        """Return the sums for the history of commands."""
        return {
            "rows": sum(one.rows for one in self.types),
            "nulled": sum(one.tally.nulled.total() for one in self.types),
            "files": sum(one.tally.files for one in self.types),
            "bytes": sum(one.tally.bytes for one in self.types),
            "protected": sum(one.tally.kept for one in self.types),
            "failures": sum(one.tally.failures for one in self.types),
            "archived": sum(one.tally.archived for one in self.types),
        }
