"""What import_knowledge says."""

from collections.abc import Sequence
from pathlib import Path

from django_system_ops.services.importing.reports import FileReport, ImportReport

__all__ = ["import_lines"]

_SHOWN_ERRORS = 20


def import_lines(report: ImportReport, places: Sequence[Path], *, detail: bool) -> list[str]:
    """Return the lines of a report; with ``detail`` all of the errors that it has."""
    lines: list[str] = []
    for one in report.files:
        lines.append(_line(one, is_kept=report.is_kept))
        lines += [f"  {remark}" for remark in one.remarks]
        shown = one.errors if detail else one.errors[:_SHOWN_ERRORS]
        lines += [f"  {error}" for error in shown]
        if one.rejected > len(shown):
            lines.append(f"  and {one.rejected - len(shown):,} more")
        if one.rejects is not None:
            lines.append(f"  rejected rows: {one.rejects}")
        if one.failure:
            lines.append(f"  ended before its end: {one.failure}")
    lines += [f"{name}: left alone, {reason}" for name, reason in report.left_alone.items()]
    lines += [f"Report: {place}" for place in places]
    if report.is_dry_run:
        lines.append("A dry run: nothing was changed.")
    return lines


def _line(one: FileReport, *, is_kept: bool) -> str:
    parts = [f"{one.created:,} created"]
    for count, what in (
        (one.updated, "updated"),
        (one.skipped, "skipped"),
        (one.rejected, "rejected"),
    ):
        if count:
            parts.append(f"{count:,} {what}")
    would = "" if is_kept else "would be "
    return (
        f"{one.path.name}: {one.rows_read:,} rows: {would}{', '.join(parts)} ({one.seconds:.1f} s)"
    )
