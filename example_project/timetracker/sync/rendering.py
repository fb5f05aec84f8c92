"""A report for people, and the same as one document."""

from datetime import datetime
from typing import Any

from timetracker.sync.engine.addresses import shown
from timetracker.sync.engine.cursor import written
from timetracker.sync.engine.plan import Action, Change
from timetracker.sync.report import SyncReport

__all__ = ["as_document", "as_lines"]

_SIGNS = {Action.ADDED: "+", Action.UPDATED: "~", Action.DEACTIVATED: "-"}
# What only our own tables know of; no reader of the source would miss it.
_INTERNAL = frozenset({"owner"})


def as_document(report: SyncReport) -> dict[str, Any]:
    """Return everything that the report holds, for ``--json``."""
    return {
        "source": shown(report.source),
        "mode": report.mode,
        "dry_run": report.dry_run,
        "fell_back": report.fell_back,
        "not_modified": report.not_modified,
        **report.counters(),
        "left_active": report.left_active,
        "changes": [
            {
                "task": change.external_id,
                "action": change.action,
                "name": change.after.display_name,
                "fields": _differences(change),
            }
            for change in report.changes
        ],
        "rejections": [
            {"record": rejection.record, "reason": rejection.reason}
            for rejection in report.rejections
        ],
        "run": report.run_id,
    }


def as_lines(report: SyncReport) -> list[str]:
    """Return the sums and what is worth knowing; after a dry run also each change."""
    lines: list[str] = []
    if report.fell_back:
        lines.append("No earlier synchronisation of this source: this one reads the whole list.")
    if report.not_modified:
        lines.append("The source says that nothing has changed.")
    if report.dry_run:
        lines += [_line(change) for change in report.changes]
    lines += [f"rejected: {one.record}: {one.reason}" for one in report.rejections]
    if report.left_active:
        lines.append(
            f"{report.left_active} task(s) are missing from the list and stay active: a rejected "
            "record tells no id, and may be one of them."
        )
    sums = ", ".join(f"{name} {count}" for name, count in report.counters().items())
    verb = "would do" if report.dry_run else "done"
    lines.append(f"Synchronisation ({report.mode}) {verb}: {sums}.")
    return lines


def _line(change: Change) -> str:
    line = f"{_SIGNS[change.action]} {change.external_id} {change.after.display_name!r}"
    if change.before is None:
        return line
    return f"{line}: " + ", ".join(
        f"{name} {_shown(before)} -> {_shown(after)}"
        for name, (before, after) in _differences(change).items()
    )


def _shown(value: object) -> str:
    return written(value) if isinstance(value, datetime) else repr(value)


def _differences(change: Change) -> dict[str, tuple[Any, Any]]:
    """Return before and after of each field that changes; nothing for a new task."""
    return {
        name: (getattr(change.before, name), getattr(change.after, name))
        for name in change.changed_fields
        if change.before is not None and name not in _INTERNAL
    }
