"""``manage.py outbox_cancel``: waiting jobs never run."""

from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import OpsCommand, UsageError
from django_outbox.management.selecting import add_selectors, selection_from
from django_outbox.models import JobStatus
from django_outbox.services.selection import cancel_selected


class Command(OpsCommand):
    """Cancel waiting jobs; one that runs already runs to its end."""

    help = "Cancel waiting outbox jobs; one that runs already runs to its end."
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options; each default is the one in :meth:`handle`."""
        add_selectors(parser)
        parser.add_argument(
            "--reason",
            default="cancelled by outbox_cancel",
            help="Why; stands in the jobs' last_error.",
        )

    def handle(
        self,
        *args: Any,
        reason: str = "cancelled by outbox_cancel",
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Cancel what the options select; UsageError when nothing says which jobs are meant."""
        if not reason.isprintable():
            raise UsageError(f"reason must be one line of text, got {reason!r}.")
        selection = selection_from([JobStatus.PENDING], **options)
        count = cancel_selected(selection, reason=reason, dry_run=dry_run)
        self.counters = {"cancelled": count}
        self.result(
            {**self.counters, "dry_run": dry_run},
            f"{'Would cancel' if dry_run else 'Cancelled'} {count} jobs.",
        )
