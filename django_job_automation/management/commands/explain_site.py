"""Say why a site is flagged, or is not."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from django_job_automation.engine.judging import Flatness, Reading, Silence
from django_job_automation.exceptions import UnknownSiteError
from django_job_automation.management.automation import moment
from django_job_automation.rules.wording import days
from django_job_automation.rules.wording import moment as written
from django_job_automation.services.explaining import Explanation, explain
from django_opskit.commands import OpsCommand, UsageError

__all__ = ["Command"]

_DAY_SECONDS = 86_400


class Command(OpsCommand):
    """``explain_site``: see its help."""

    help = "Say what the rules see of a site: its readings, the limits, and what follows."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("site", metavar="SITE_ID", help="The site.")
        parser.add_argument(
            "--as-of",
            type=moment,
            metavar="MOMENT",
            help="Judge by this moment, such as 2026-11-20T06:00Z, and not by now.",
        )

    def handle(
        self, *args: Any, site: str = "", as_of: datetime | None = None, **options: Any
    ) -> None:
        """Explain."""
        try:
            found = explain(site, as_of=as_of)
        except UnknownSiteError as error:
            raise UsageError(str(error)) from error
        self.result(_document(found), *_lines(found))


def _lines(one: Explanation) -> Iterator[str]:
    name = f"{one.key} ({one.label})" if one.label else one.key
    yield f"Site {name}, as of {written(one.as_of)}"
    yield f"Rules look at it: {'no, it is ' + one.obstacle if one.obstacle else 'yes'}"
    last = "never read" if one.last_valid_at is None else f"last read {written(one.last_valid_at)}"
    threshold = days(one.silence_limits.threshold.total_seconds() / _DAY_SECONDS)
    yield f"no_coms: {_flagged(_is_silent(one))}: {one.silence.value}; {last}, limit {threshold}"
    limits = one.flatness_limits
    window = days(limits.window.total_seconds() / _DAY_SECONDS)
    before = "none" if one.baseline is None else f"{one.baseline.value}"
    yield (
        f"zero_reads: {_flagged(one.flatness is Flatness.FLAT)}: {one.flatness.value}; "
        f"{one.in_window} moments in {window}, at least {limits.readings} wanted; "
        f"before them: {before}; tolerance {limits.min_increase}"
    )
    yield f"Data: {', '.join(one.faults) or 'nothing is wrong with it'}"
    jobs = ", ".join(f"{job_type} #{key}" for job_type, key in one.open_jobs)
    yield f"Open jobs: {jobs or 'none'}"
    yield "Newest readings:" if one.shown else "No reading is stored."
    for reading in one.shown:
        yield f"  {written(reading.at)}  {_shown(reading, one)}"


def _shown(reading: Reading, one: Explanation) -> str:
    if reading.value is None:
        return "no value: counts as none"
    if reading.at > one.as_of + one.silence_limits.future_tolerance:
        return f"{reading.value}  in the future: counts as none"
    in_window = one.as_of - one.flatness_limits.window < reading.at <= one.as_of
    return f"{reading.value}{'  in the window' if in_window else ''}"


def _is_silent(one: Explanation) -> bool:
    return one.silence in (Silence.SILENT, Silence.NEVER)


def _flagged(is_flagged: bool) -> str:
    return "flagged" if is_flagged else "not flagged"


def _document(one: Explanation) -> dict[str, Any]:
    return {
        "site": one.key,
        "name": one.label,
        "as_of": one.as_of,
        "looked_at": not one.obstacle,
        "obstacle": one.obstacle,
        "no_coms": {
            "flagged": _is_silent(one) and not one.obstacle,
            "because": one.silence.value,
            "last_reading_at": one.last_valid_at,
            "days_threshold": one.silence_limits.threshold.total_seconds() / _DAY_SECONDS,
        },
        "zero_reads": {
            "flagged": one.flatness is Flatness.FLAT and not one.obstacle,
            "because": one.flatness.value,
            "moments": one.in_window,
            "baseline": None if one.baseline is None else str(one.baseline.value),
            "days_to_check": one.flatness_limits.window.total_seconds() / _DAY_SECONDS,
            "readings_to_compare": one.flatness_limits.readings,
            "min_increase": str(one.flatness_limits.min_increase),
        },
        "data_faults": list(one.faults),
        "open_jobs": [{"job_type": kind, "id": str(key)} for kind, key in one.open_jobs],
        "readings": [
            {"at": reading.at, "value": None if reading.value is None else str(reading.value)}
            for reading in one.shown
        ],
    }
