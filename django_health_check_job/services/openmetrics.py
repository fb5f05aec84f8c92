"""
Stored results in the OpenMetrics text format, version 1.0.0.

A scrape runs no check. Of a result that is too old only its age and ``health_check_stale`` are
left: a scraper must not draw a dead monitor's last good news as a straight green line.
"""

from collections.abc import Sequence

from django_health_check_job.engine.outcome import State
from django_health_check_job.services.reading import CheckNow
from django_opskit.openmetrics import END, gauges

__all__ = ["render"]


def render(checks: Sequence[CheckNow], *, monitor_alive: bool) -> str:
    """Return the exposition of ``checks``, with the end mark that the format asks for."""
    lines = [
        *gauges(
            "health_check_up",
            "Whether the check works (UP or WARN), after N failures and M successes.",
            ((_labels(one), str(int(one.state.works))) for one in checks if not one.is_stale),
        ),
        *gauges(
            "health_check_state",
            "1 for the state in which the check is.",
            (
                ({**_labels(one), "state": state.value}, str(int(one.state is state)))
                for one in checks
                for state in State
            ),
        ),
        *gauges(
            "health_check_response_seconds",
            "How long the last run took.",
            (
                (_labels(one), repr(one.duration_seconds))
                for one in checks
                if one.duration_seconds is not None and not one.is_stale
            ),
            unit="seconds",
        ),
        *gauges(
            "health_check_age_seconds",
            "How old the last result is.",
            (
                (_labels(one), f"{one.age_seconds:.3f}")
                for one in checks
                if one.age_seconds is not None
            ),
            unit="seconds",
        ),
        *gauges(
            "health_check_stale",
            "Whether the last result is too old to say anything.",
            ((_labels(one), str(int(one.is_stale))) for one in checks),
        ),
        *gauges(
            "health_check_monitor_up",
            "Whether a monitor of this site is at work.",
            [({}, str(int(monitor_alive)))],
        ),
        END,
    ]
    return "\n".join(lines) + "\n"


def _labels(check: CheckNow) -> dict[str, str]:
    return {
        "check": check.slug,
        "name": check.name,
        "source": check.source,
        "critical": str(check.critical).lower(),
    }
