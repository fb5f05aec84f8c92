"""Delete old results."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_health_check_job.conf import get_conf
from django_health_check_job.services.retention import cleanup
from django_opskit.arguments import days as days_argument
from django_opskit.commands import OpsCommand

__all__ = ["Command"]

_NAMES = {
    "results": "results",
    "rounds": "rounds",
    "hourly": "hourly figures",
    "daily": "daily figures",
    "changes": "changes of state",
    "unsent": "unsent payloads",
    "receipts": "receipts",
}


class Command(OpsCommand):
    """``monitor_cleanup``: see its help."""

    help = (
        "Delete single results after KEEP_DAYS, hourly figures after KEEP_HOURLY_DAYS, daily "
        "figures and changes after KEEP_DAILY_DAYS, and unsent payloads after KEEP_UNSENT_DAYS."
    )
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--days",
            type=days_argument,
            metavar="DAYS",
            help="Days that single results are kept, instead of KEEP_DAYS.",
        )

    def handle(
        self, *args: Any, days: float | None = None, dry_run: bool = False, **options: Any
    ) -> None:
        """Delete, and say how much."""
        with self.progress("Deleting", None) as advance:
            report = cleanup(
                get_conf(), now=timezone.now(), dry_run=dry_run, keep_days=days, on_batch=advance
            )
        counts = asdict(report)
        self.counters.update(counts)
        verb = "would be deleted" if dry_run else "deleted"
        lines = [f"{counts[key]} {name} {verb}" for key, name in _NAMES.items() if counts[key]]
        self.result({**counts, "dry_run": dry_run}, *(lines or ["Nothing is older than its time."]))
