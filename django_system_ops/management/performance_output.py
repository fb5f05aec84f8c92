"""What monitor_performance shows: figures, a table, lines of JSON."""

from collections.abc import Sequence
from typing import Any

from django_system_ops.engine.measuring import Measurement, MetricSummary, amount
from django_system_ops.services.performance import PerformanceReport, Sample

__all__ = ["figure", "sample_document", "summary_document", "table"]


def figure(one: Measurement) -> str:
    """Return one figure for a line of many."""
    share = "" if one.percent is None else f" ({one.percent:.0f} %)"
    return f"{one.metric} {amount(one.value, one.unit)}{share}"


def sample_document(sample: Sample) -> dict[str, Any]:
    """Return a sample as a line of JSON has it."""
    return {
        "kind": "sample",
        "at": sample.at,
        "metrics": {
            one.metric: {
                "value": round(one.value, 3),
                "unit": one.unit,
                "limit": one.limit,
                "percent": None if one.percent is None else round(one.percent, 2),
            }
            for one in sample.measurements
        },
        "failing": sample.failures,
        "changes": [
            {"name": name, "change": change, "sentence": sentence}
            for name, change, sentence in sample.changes
        ],
    }


def summary_document(report: PerformanceReport) -> dict[str, Any]:
    """Return the whole as the last line of JSON has it."""
    return {
        "kind": "summary",
        "samples": report.samples,
        "skipped_ticks": report.skipped_ticks,
        "seconds": round(report.seconds, 3),
        "metrics": {
            one.metric: {
                "unit": one.unit,
                "limit": one.limit,
                "samples": one.count,
                "p50": round(one.p50, 3),
                "p95": round(one.p95, 3),
                "p99": round(one.p99, 3),
                "max": round(one.highest, 3),
                "max_percent": None
                if one.highest_percent is None
                else round(one.highest_percent, 2),
            }
            for one in report.metrics
        },
        "outages": report.outages,
        "alerts": report.alerts,
        "verdict": report.verdict,
    }


def table(metrics: Sequence[MetricSummary]) -> list[str]:
    """Return the metrics as lines of a table."""
    rows: list[tuple[str, ...]] = [("metric", "p50", "p95", "p99", "max", "limit", "max %")]
    for one in metrics:
        figures = (one.p50, one.p95, one.p99, one.highest)
        limit = "" if one.limit is None else amount(one.limit, one.unit)
        share = "" if one.highest_percent is None else f"{one.highest_percent:.0f}"
        rows.append((one.metric, *(amount(value, one.unit) for value in figures), limit, share))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
