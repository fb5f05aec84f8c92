"""What commands say of rows that were made up, and went again."""

from collections.abc import Mapping
from typing import Any

from django_system_ops.services.seeding.removing import Removed

__all__ = ["removed_document", "removed_lines", "rows_text"]


def rows_text(rows: Mapping[str, int]) -> str:
    """Return ``12 app.Model, 3 app.Other``, or ``nothing``."""
    return ", ".join(f"{count:,} {label}" for label, count in sorted(rows.items())) or "nothing"


def removed_document(removed: Removed) -> dict[str, Any]:
    """Return it for JSON."""
    return {
        "removed": removed.rows,
        "held": removed.held,
        "changed": removed.changed,
        "hanging": removed.hanging,
        "gone": removed.gone,
        "failures": removed.failures,
    }


def removed_lines(removed: Removed, *, dry_run: bool) -> list[str]:
    """Return it for people."""
    verb = "would go" if dry_run else "removed"
    lines = [f"{verb}: {rows_text(removed.rows)}"]
    lines += [
        f"  {count:,} stay: {name} of other rows points at them"
        for name, count in sorted(removed.held.items())
    ]
    lines += [
        f"  {count:,} {label} stay: they were changed (--changed-too takes them)"
        for label, count in sorted(removed.changed.items())
    ]
    lines += [
        f"  {count:,} {label} stay: they are contents of what is somebody's by now"
        for label, count in sorted(removed.hanging.items())
    ]
    if removed.gone:
        lines.append(f"  {removed.gone:,} were gone already")
    lines += [f"  could not be removed: {text}" for text in removed.failures]
    return lines
