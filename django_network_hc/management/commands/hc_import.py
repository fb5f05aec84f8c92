"""Take in an existing script directory."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from django_network_hc.management.base import NetworkCommand, table
from django_network_hc.services.importing import Imported, import_directory
from django_opskit.commands import FindingsError
from django_opskit.identity import user_name

__all__ = ["Command"]


class Command(NetworkCommand):
    """``hc_import``: see its help."""

    help = (
        "Make a network of each {Network}_HC_Issues_Tracker.xlsx in a directory, with its whole "
        "history and its ignore files. A network that is known already stays as it is. Exit "
        "status 3 when one of them is not ready."
    )
    changes_data = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--script-dir",
            type=Path,
            metavar="DIR",
            help="The directory; that of the settings by default.",
        )
        parser.add_argument(
            "--customer",
            default="",
            metavar="NAME",
            help="Whose networks they are; by default each has a customer of its own name.",
        )

    def handle(
        self,
        *args: Any,
        script_dir: Path | None = None,
        customer: str = "",
        dry_run: bool = False,
        **options: Any,
    ) -> None:
        """Take it in."""
        with self.speaking():
            found = import_directory(
                script_dir,
                customer=customer,
                initiated_by=f"hc_import, {user_name()}",
                dry_run=dry_run,
            )
        new = sum(one.is_new for one in found)
        self.counters = {"found": len(found), "imported": new}
        rows = [(one.name, _what(one, dry_run=dry_run), one.cases, one.nodes) for one in found]
        verb = "would be imported" if dry_run else "imported"
        self.result(
            {"networks": [asdict(one) for one in found], "dry_run": dry_run},
            *(table(("network", "", "cases", "nodes"), rows) if rows else ["No tracker there."]),
            *(f"{one.name}: {text}" for one in found for text in (*one.problems, *one.notes)),
            f"{new} of {len(found)} networks {verb}.",
        )
        bad = [one.name for one in found if one.problems]
        if bad:
            raise FindingsError(f"Not ready: {', '.join(bad)}.")


def _what(one: Imported, *, dry_run: bool) -> str:
    if one.problems:
        return "not ready"
    if not one.is_new:
        return "known already"
    return "new" if dry_run else "imported"
