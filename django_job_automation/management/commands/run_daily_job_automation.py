"""Run all rules, as once a day."""

from django_job_automation.management.automation import AutomationCommand
from django_job_automation.services.report import RunReport

__all__ = ["Command"]


class Command(AutomationCommand):
    """``run_daily_job_automation``: see its help."""

    help = (
        "Run all rules and open their jobs. Exit status: 0, or 1 when a rule failed, the others "
        "having run, or 75 when another run is at work."
    )

    def lines(self, report: RunReport, *, dry_run: bool) -> list[str]:
        """Return what is printed, as it was published."""
        rules = super().lines(report, dry_run=dry_run)
        return [
            "Starting daily job automation...",
            *rules,
            "Daily job automation completed",
        ]
