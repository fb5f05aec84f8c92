"""
Stored results in the OpenMetrics text format, version 1.0.0.

A scrape runs no check. Of a result that is too old only its age and ``health_check_stale`` are
left: a scraper must not draw a dead monitor's last good news as a straight green line.
"""

from collections.abc import Iterable, Iterator, Sequence

from django_health_check_job.engine.outcome import State
from django_health_check_job.services.reading import CheckNow

__all__ = ["CONTENT_TYPE", "render"]

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def render(checks: Sequence[CheckNow], *, monitor_alive: bool) -> str:
    """Return the exposition of ``checks``, with the end mark that the format asks for."""
    lines = [
        *_family(
            "health_check_up",
            "Whether the check works (UP or WARN), after N failures and M successes.",
            ((_labels(one), str(int(one.state.works))) for one in checks if not one.is_stale),
        ),
        *_family(
            "health_check_state",
            "1 for the state in which the check is.",
            (
                ({**_labels(one), "state": state.value}, str(int(one.state is state)))
                for one in checks
                for state in State
            ),
        ),
        *_family(
            "health_check_response_seconds",
            "How long the last run took.",
            (
                (_labels(one), repr(one.duration_seconds))
                for one in checks
                if one.duration_seconds is not None and not one.is_stale
            ),
            unit="seconds",
        ),
        *_family(
            "health_check_age_seconds",
            "How old the last result is.",
            (
                (_labels(one), f"{one.age_seconds:.3f}")
                for one in checks
                if one.age_seconds is not None
            ),
            unit="seconds",
        ),
        *_family(
            "health_check_stale",
            "Whether the last result is too old to say anything.",
            ((_labels(one), str(int(one.is_stale))) for one in checks),
        ),
        *_family(
            "health_check_monitor_up",
            "Whether a monitor of this site is at work.",
            [({}, str(int(monitor_alive)))],
        ),
        "# EOF",
    ]
    return "\n".join(lines) + "\n"


def _family(
    name: str, text: str, samples: Iterable[tuple[dict[str, str], str]], *, unit: str = ""
) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {text}"
    for labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        yield f"{name}{{{inside}}} {value}" if inside else f"{name} {value}"


def _labels(check: CheckNow) -> dict[str, str]:
    return {
        "check": check.slug,
        "name": check.name,
        "source": check.source,
        "critical": str(check.critical).lower(),
    }


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
