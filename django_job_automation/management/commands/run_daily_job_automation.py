"""Run all rules, as once a day."""

from typing import Any

from django.core.management.base import CommandParser

from django_job_automation.management.automation import AutomationCommand
from django_job_automation.services.report import RunReport

__all__ = ["Command"]


class Command(AutomationCommand):
    """``run_daily_job_automation``: see its help."""

    help = (
        "Run all rules and open their jobs. Exit status: 0, or 1 when a rule failed, the others "
        "having run, or 75 when another run is at work."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        super().add_arguments(parser)
        parser.add_argument(
            "--rule",
            action="append",
            dest="names",
            metavar="NAME",
            help="Ask this rule only, such as no_coms; may be given several times.",
        )

    def handle(self, *args: Any, names: list[str] | None = None, **options: Any) -> None:
        """Run them."""
        super().handle(*args, names=names, **options)

    def lines(self, report: RunReport, *, dry_run: bool) -> list[str]:
        """Return what is printed, as it was published."""
        rules = super().lines(report, dry_run=dry_run)
        return [
            "Starting daily job automation...",
            *rules,
            "Daily job automation completed",
        ]
