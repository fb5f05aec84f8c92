"""``manage.py outbox_retry``: dead letters run once more."""

import dataclasses
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import OpsCommand
from django_outbox.management.selecting import add_selectors, selection_from
from django_outbox.models import JobStatus
from django_outbox.services.selection import retry_selected


class Command(OpsCommand):
    """Let failed jobs run again, now and with all their attempts."""

    help = "Let failed (or cancelled) outbox jobs run again, now and with all their attempts."
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each default is the one in :meth:`handle`."""
        add_selectors(parser)
        parser.add_argument(
            "--failed-since",
            default="",
            metavar="WHEN",
            help="Only jobs that ended at this moment or later: 2026-11-20T08:00, or 2h ago.",
        )
        parser.add_argument(
            "--cancelled",
            action="store_true",
            help="Cancelled jobs instead of failed ones (--id takes both).",
        )

    def handle(
        self, *args: Any, cancelled: bool = False, dry_run: bool = False, **options: Any
    ) -> None:
        """Retry what the options select; UsageError when nothing says which jobs are meant."""
        statuses = [JobStatus.CANCELLED if cancelled else JobStatus.FAILED]
        if options.get("id") and not cancelled:
            statuses = [JobStatus.FAILED, JobStatus.CANCELLED]
        outcome = retry_selected(selection_from(statuses, **options), dry_run=dry_run)
        self.counters = dataclasses.asdict(outcome)
        skipped = f", {outcome.skipped} skipped: a newer one waits" if outcome.skipped else ""
        self.result(
            {**self.counters, "dry_run": dry_run},
            f"{'Would retry' if dry_run else 'Retried'} {outcome.waiting} jobs{skipped}.",
        )
