"""Open a job for each site that has stopped talking."""

from django_job_automation.management.automation import AutomationCommand

__all__ = ["Command"]


class Command(AutomationCommand):
    """``create_no_coms_jobs``: see its help."""

    help = "Open a job for each site that has stopped talking."
    rules = ("no_coms",)
