"""Sites, readings and jobs, and what the app remembers of its own work."""

from django_job_automation.models.bases import (
    OPEN_STATUSES,
    AbstractJob,
    AbstractReading,
    AbstractSite,
)
from django_job_automation.models.bookkeeping import ACTIVE, Finding, JobClaim, Run
from django_job_automation.models.defaults import Job, Reading, Site
from django_job_automation.models.overrides import GLOBAL, SettingsOverride
from django_job_automation.models.windows import MaintenanceWindow

__all__ = [
    "ACTIVE",
    "GLOBAL",
    "OPEN_STATUSES",
    "AbstractJob",
    "AbstractReading",
    "AbstractSite",
    "Finding",
    "Job",
    "JobClaim",
    "MaintenanceWindow",
    "Reading",
    "Run",
    "SettingsOverride",
    "Site",
]
