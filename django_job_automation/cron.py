"""For schedulers that want a callable: `django_job_automation.cron.run_daily`."""

from django.core.management import call_command

__all__ = ["run_daily"]


def run_daily() -> None:
    """Run all rules; raises CommandError when a rule fails or another run is at work."""
    call_command("run_daily_job_automation")
