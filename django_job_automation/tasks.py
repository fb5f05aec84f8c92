"""Runs for workers, through Django's Tasks API."""

from typing import Any

from django.utils.dateparse import parse_datetime

from django_job_automation.services.running import run_automation
from django_opskit.tasks import task

__all__ = ["run_in_background"]


@task
def run_in_background(
    started_by: str, as_of: str | None = None, sites: list[str] | None = None
) -> dict[str, Any]:
    """Run all rules; return the run's key and how many jobs it opened. A moment is ISO 8601."""
    report = run_automation(
        started_by=started_by, as_of=parse_datetime(as_of) if as_of else None, keys=sites
    )
    return {"run": report.run, "created_jobs": report.created}
