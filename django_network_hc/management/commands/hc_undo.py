"""Take back the last health check of a network."""

from typing import Any

from django.core.management.base import CommandParser

from django_network_hc.management.base import NetworkCommand
from django_network_hc.services.undoing import undo_last
from django_opskit.identity import user_name

__all__ = ["Command"]


class Command(NetworkCommand):
    """``hc_undo``: see its help."""

    help = (
        "Take back the last health check of a network: its new cases go, those that it closed are "
        "open again, and the tracker before it stands in its place. What people wrote stays."
    )
    changes_data = True
    needs_network = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        self.add_network(parser)

    def handle(self, *args: Any, network: str, dry_run: bool = False, **options: Any) -> None:
        """Take it back."""
        with self.speaking():
            one = self.one_network(network)
            done = undo_last(one, initiated_by=f"hc_undo, {user_name()}", dry_run=dry_run)
        self.counters = {"opened": done.opened, "closed": done.closed}
        verb = "Would take back" if dry_run else "Took back"
        self.result(
            {
                "session": str(done.session),
                "network": one.name,
                "report_date": done.session.report_on,
                "opened": done.opened,
                "closed": done.closed,
                "back_to": done.back_to,
                "notes": done.notes,
                "dry_run": dry_run,
            },
            f"{verb} the report of {done.session.report_on} of {one}: {done.opened} cases that it "
            f"opened, {done.closed} that it closed.",
            f"The last report is that of {done.back_to or 'the first tracker'}.",
            *(f"note: {note}" for note in done.notes),
        )
