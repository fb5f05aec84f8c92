"""What migrate_knowledge_base says: as lines and for JSON."""

from typing import Any

from django_system_ops.services.knowledge.reports import (
    BadRows,
    MigrationReport,
    RollbackReport,
    ValidationReport,
)

__all__ = [
    "migration_document",
    "migration_lines",
    "rollback_document",
    "rollback_lines",
    "validation_document",
    "validation_lines",
]


def migration_document(report: MigrationReport, *, dry_run: bool) -> dict[str, Any]:
    """Return what a run did, for JSON."""
    return {
        "dry_run": dry_run,
        "target": report.target,
        "steps": [
            {
                "from": one.step.from_version,
                "to": one.step.to_version,
                "step": one.step.path,
                "rows": one.rows,
                "batches": one.batches,
            }
            for one in report.steps
        ],
        "rows": report.rows,
        "at_target": report.at_target,
        "newer": report.newer,
        "left": [_bad(one) for one in report.stuck],
        "before_images": str(report.folder) if report.folder else "",
        "error": str(report.error) if report.error is not None else "",
    }


def migration_lines(report: MigrationReport, name: str, *, dry_run: bool) -> list[str]:
    """Return what a run did, for people."""
    verb = "would go" if dry_run else "went"
    lines = [
        f"{name}: {one.rows:,} rows {verb} from {one.step.from_version} to {one.step.to_version} "
        f"({one.step.path})"
        for one in report.steps
    ]
    if not report.rows and report.error is None:
        lines.append(f"{name}: nothing to do.")
    if report.at_target:
        lines.append(f"{name}: {report.at_target:,} rows were at {report.target} already")
    lines += [
        f"{name}: {count:,} rows are at {version}, which is newer, and stay there"
        for version, count in report.newer.items()
    ]
    lines += [_bad_line(name, one) for one in report.stuck]
    if report.folder is not None:
        lines.append(f"The rows as they were: {report.folder}")
    return lines


def validation_document(report: ValidationReport) -> dict[str, Any]:
    """Return what the validators say, for JSON."""
    return {
        "checked": report.checked,
        "unchecked": report.unchecked,
        "findings": [_bad(one) for one in report.bad],
        "wrong": sum(one.count for one in report.bad),
    }


def validation_lines(report: ValidationReport, name: str) -> list[str]:
    """Return what the validators say, for people."""
    lines = [
        f"{name}: {count:,} rows of version {version} were looked at"
        for version, count in report.checked.items()
    ]
    lines += [
        f"{name}: {count:,} rows of version {version} have no validator"
        for version, count in report.unchecked.items()
    ]
    if not lines and not report.bad:
        lines.append(_nothing_looked_at(report, name))
    for one in report.bad:
        lines.append(_bad_line(name, one))
        if one.version is not None:
            lines += [f"  {pk}: {reason}" for pk, reason in one.examples]
    return lines


def _nothing_looked_at(report: ValidationReport, name: str) -> str:
    if not report.survey.total:
        return f"{name}: there are no rows."
    there = [f"{version}: {count:,}" for version, count in report.survey.counts.items() if count]
    there += [f"others: {one.count:,}" for one in report.survey.strangers]
    return f"{name}: no row is of that version. Those that are there: {', '.join(there)}."


def rollback_document(report: RollbackReport, *, dry_run: bool) -> dict[str, Any]:
    """Return what a rollback did, for JSON."""
    counts = ("rows", "by_step", "by_image", "back_already", "gone", "others")
    return {
        "dry_run": dry_run,
        "target": report.target,
        "before_images": [str(one) for one in report.folders],
        "steps": [
            {
                "from": one.after,
                "to": one.before,
                **{name: getattr(one, name) for name in counts},
            }
            for one in report.ways
        ],
        **{name: report.total(name) for name in counts},
        "left": [_bad(one) for one in report.left],
        "error": str(report.error) if report.error is not None else "",
    }


def rollback_lines(report: RollbackReport, name: str, *, dry_run: bool) -> list[str]:
    """Return what a rollback did, for people."""
    verb = "would go" if dry_run else "went"
    lines = [f"{name}: the migration to {report.target} in {one}" for one in report.folders]
    for one in report.ways:
        details = (
            (one.by_step, "by the step"),
            (one.by_image, "as they were kept"),
            (one.back_already, "were back already"),
            (one.gone, "have been deleted since"),
            (one.others, "are of other tenants"),
        )
        told = ", ".join(f"{count:,} {what}" for count, what in details if count)
        lines.append(
            f"{name}: {one.rows:,} rows {verb} back from {one.after} to {one.before}"
            + (f" ({told})" if told else "")
        )
    return lines + [_bad_line(name, one) for one in report.left]


def _bad(one: BadRows) -> dict[str, Any]:
    return {
        "version": one.version,
        "reason": one.reason,
        "rows": one.count,
        "examples": [{"pk": pk, "reason": reason} for pk, reason in one.examples],
    }


def _bad_line(name: str, one: BadRows) -> str:
    shown = [f"{pk} ({text})" if one.version is None and text else pk for pk, text in one.examples]
    more = ", …" if one.count > len(one.examples) else ""
    at = f" of version {one.version}" if one.version is not None else ""
    return f"{name}: {one.count:,} rows{at} {one.reason}: {', '.join(shown)}{more}"
