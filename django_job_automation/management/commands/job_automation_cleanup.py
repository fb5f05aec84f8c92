"""Delete old runs."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_job_automation.conf import get_conf
from django_job_automation.services.retention import forget
from django_opskit.arguments import days as days_argument
from django_opskit.commands import OpsCommand

__all__ = ["Command"]


class Command(OpsCommand):
    """``job_automation_cleanup``: see its help."""

    help = "Delete runs and their findings after KEEP_RUNS_DAYS. Jobs stay."
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--days", type=days_argument, metavar="DAYS", help="Days instead of KEEP_RUNS_DAYS."
        )

    def handle(
        self, *args: Any, days: float | None = None, dry_run: bool = False, **options: Any
    ) -> None:
        """Delete, and say how much."""
        keep = get_conf().KEEP_RUNS_DAYS if days is None else days
        done = forget(keep_days=keep, now=timezone.now(), dry_run=dry_run)
        self.counters.update(asdict(done))
        verb = "would be deleted" if dry_run else "deleted"
        self.result(
            {**asdict(done), "dry_run": dry_run},
            f"{done.runs} runs with {done.findings} findings {verb}",
        )
