"""The app in Django's admin."""

from django_job_automation.admin.jobs import JobAdmin
from django_job_automation.admin.records import FindingAdmin, RunAdmin
from django_job_automation.admin.settings import MaintenanceWindowAdmin, SettingsOverrideAdmin
from django_job_automation.admin.sites import ReadingAdmin, SiteAdmin

__all__ = [
    "FindingAdmin",
    "JobAdmin",
    "MaintenanceWindowAdmin",
    "ReadingAdmin",
    "RunAdmin",
    "SettingsOverrideAdmin",
    "SiteAdmin",
]
