"""Open a job for each site that talks and no longer counts."""

from django_job_automation.management.automation import AutomationCommand

__all__ = ["Command"]


class Command(AutomationCommand):
    """``create_zero_reads_jobs``: see its help."""

    help = "Open a job for each site that talks and no longer counts."
    rules = ("zero_reads",)
