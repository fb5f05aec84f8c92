"""What an import has done, file by file."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django_system_ops.services.importing.batches import Outcome
from django_system_ops.services.importing.problems import Rejected

__all__ = ["FileReport", "ImportReport"]

_MOST_REASONS = 50


@dataclass
class FileReport:
    """
    What became of the rows of a file.

    Attributes:
        rows_read: of the whole file, with those of runs before that this one went on from.
        errors: the first of the rows that were rejected, and ``rejected`` how many there were.
        reasons: how often something was wrong with a field, for all of them.
        rejects: the file of the rejected rows.
        remarks: what there is to say besides.
        failure: what ended the file before its end.
    """

    path: Path
    format: str
    sha256: str
    rows_read: int = 0
    created: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: int = 0
    seconds: float = 0.0
    errors: list[Rejected] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: Path | None = None
    remarks: list[str] = field(default_factory=list)
    failure: str = ""

    def add(self, outcome: Outcome, *, shown_errors: int) -> None:
        """Count the rows of a batch."""
        self.created += outcome.created
        self.updated += outcome.updated
        self.skipped += outcome.skipped
        self.rejected += len(outcome.rejected)
        for one in outcome.rejected:
            if len(self.errors) < shown_errors:
                self.errors.append(one)
            for problem in one.problems:
                name = f"{problem.field}: {problem.reason}" if problem.field else problem.reason
                # Reasons may repeat values: there may be as many of them as rows.
                if name in self.reasons or len(self.reasons) < _MOST_REASONS:
                    self.reasons[name] += 1
                else:
                    self.reasons["other reasons"] += 1

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "file": self.path,
            "format": self.format,
            "sha256": self.sha256,
            "rows": self.rows_read,
            "created": self.created,
            "updated": self.updated,
            "skipped": self.skipped,
            "rejected": self.rejected,
            "seconds": round(self.seconds, 3),
            "reasons": dict(self.reasons.most_common()),
            "errors": [one.document() for one in self.errors],
            "rejects": self.rejects,
            "remarks": self.remarks,
            "failure": self.failure,
        }


@dataclass
class ImportReport:
    """
    What a run did.

    Attributes:
        is_kept: whether what the files say was created and changed is in the database now.
        left_alone: files of the directory that were not read, each with the reason.
    """

    type_name: str
    tenant: str
    is_strict: bool
    is_dry_run: bool
    files: list[FileReport] = field(default_factory=list)
    left_alone: dict[str, str] = field(default_factory=dict)
    is_kept: bool = True

    @property
    def rejected(self) -> int:
        """Return how many rows did not come in for what is wrong with them."""
        return sum(one.rejected for one in self.files)

    @property
    def failures(self) -> list[str]:
        """Return what ended files before their end."""
        return [one.failure for one in self.files if one.failure]

    def counters(self) -> dict[str, int]:
        """Return the sums for the history of commands."""
        kept = self.is_kept
        return {
            "files": len(self.files),
            "rows": sum(one.rows_read for one in self.files),
            "created": sum(one.created for one in self.files) if kept else 0,
            "updated": sum(one.updated for one in self.files) if kept else 0,
            "skipped": sum(one.skipped for one in self.files),
            "rejected": self.rejected,
        }

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "type": self.type_name,
            "tenant": self.tenant,
            "validation": "strict" if self.is_strict else "lenient",
            "dry_run": self.is_dry_run,
            "kept": self.is_kept,
            **self.counters(),
            "left_alone": self.left_alone,
            "reports": [one.document() for one in self.files],
        }
