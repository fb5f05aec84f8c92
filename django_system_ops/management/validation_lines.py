"""What validate_system says, as lines and as a document."""

from collections.abc import Iterator
from typing import Any

from django_system_ops.services.validating import CheckReport, Finding, Fixed, Level, Outcome

__all__ = ["check_document", "check_lines", "fix_document", "fix_line"]

_MARKS = {
    Outcome.PASSED: "PASS",
    Outcome.FINDINGS: "FAIL",
    Outcome.NOTHING: "NONE",
    Outcome.ERROR: "ERROR",
}
_MOST_NAMES = 5


def check_lines(report: CheckReport) -> Iterator[str]:
    """Yield what was covered, what was found, and what was not looked at and why."""
    yield f"{_MARKS[report.outcome]:5} {report.name}: {', '.join(_covered(report))}"
    for one in report.findings:
        yield f"      {_finding(one)}"
        if one.sql:
            yield f"        SQL: {one.sql}"
    for error in report.errors:
        yield f"      error: {error}"
    for reason, names in report.skipped.items():
        yield f"      skipped, {reason}: {_some(names)}"
    for note in report.notes:
        yield f"      note: {note}"


def check_document(report: CheckReport) -> dict[str, Any]:
    """Return the same as a document, with every name."""
    return {
        "check": report.name,
        "outcome": report.outcome.name.lower(),
        "covered": {
            "unit": report.unit,
            "looked_at": report.looked_at,
            "total": report.total,
            "rows": report.rows,
        },
        "findings": [
            {
                "object": one.object,
                "message": one.message,
                "level": one.level,
                "count": one.count,
                "examples": list(one.examples),
                "is_fixable": one.fix is not None,
                "sql": one.sql,
            }
            for one in report.findings
        ],
        "skipped": {reason: list(names) for reason, names in report.skipped.items()},
        "errors": list(report.errors),
        "notes": list(report.notes),
    }


def fix_line(one: Fixed, *, dry_run: bool) -> str:
    """Return what became of a finding, or would."""
    if dry_run:
        return f"would fix {one.object}: {one.action}, {one.fixed:,} rows"
    if one.error:
        return f"not fixed {one.object}: {one.action}: {one.error}; nothing was changed"
    return (
        f"fixed {one.object}: {one.action}, {one.fixed:,} rows; {one.left:,} left; "
        f"as they were: {one.image}"
    )


def fix_document(one: Fixed) -> dict[str, Any]:
    """Return the same as a document."""
    return {
        "check": one.check,
        "object": one.object,
        "action": one.action,
        "fixed": one.fixed,
        "left": one.left,
        "before_image": one.image,
        "error": one.error,
    }


def _covered(report: CheckReport) -> Iterator[str]:
    if not report.total:
        yield f"nothing to look at, there are no {report.unit}"
        return
    yield f"{report.looked_at:,} of {report.total:,} {report.unit}"
    if report.rows is not None:
        yield f"{report.rows:,} rows"
    counts = report.counts
    yield f"{counts[Level.FINDING]:,} wrong"
    if counts[Level.INFO]:
        yield f"{counts[Level.INFO]:,} to know"


def _finding(one: Finding) -> str:
    level = "" if one.level == Level.FINDING else "info: "
    text = f"{level}{one.object}: {one.message}"
    if not one.examples:
        return text
    more = ", ..." if one.count > len(one.examples) else ""
    return f"{text} ({one.count:,}): {', '.join(one.examples)}{more}"


def _some(names: Any) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
