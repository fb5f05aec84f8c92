"""Cases, coverage and inventory for other programs."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from django_network_hc.management.base import NetworkCommand
from django_network_hc.services.exporting import (
    KINDS,
    STATES,
    columns_of,
    rows_of,
    write_csv,
    write_json,
    write_xlsx,
)
from django_network_hc.services.folders import script_folder, sync
from django_network_hc.services.networks import find_networks
from django_opskit.commands import OpsCommand, UsageError

__all__ = ["Command"]

_FORMATS = ("csv", "json", "xlsx")


class Command(NetworkCommand):
    """``hc_export``: see its help."""

    help = (
        "Write cases, the coverage of nodes, or the inventory of the last report as CSV, JSON or "
        "a workbook: to stdout, or into a file below the script directory."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--what", choices=KINDS, default="cases", help="Cases by default.")
        parser.add_argument("--format", choices=_FORMATS, default="csv", help="CSV by default.")
        parser.add_argument(
            "--state", choices=STATES, default="all", help="Of cases: these only; all by default."
        )
        self.add_network(parser)
        parser.add_argument(
            "--output",
            metavar="FILE",
            help="Where to; a relative one is below output/ in the script directory.",
        )

    def handle(
        self,
        *args: Any,
        what: str = "cases",
        format: str = "csv",  # the name of the option
        state: str = "all",
        network: str | None = None,
        output: str | None = None,
        **options: Any,
    ) -> None:
        """Write them."""
        if state != "all" and what != "cases":
            raise UsageError(f"--state chooses among cases, and {what} has none.")
        if output is None and format == "xlsx":
            raise UsageError("A workbook needs a file: give --output.")
        with self.speaking():
            rows = rows_of(what, find_networks(network), state=state)
            names = columns_of(what)
            if output is None:
                write = write_json if format == "json" or self.json_output else write_csv
                self._has_emitted = True
                self.counters = {"rows": write(_Stdout(self), names, rows)}
                return
            target = _target(output)
            draft = target.with_name(f".{target.name}.draft")
            try:
                if format == "xlsx":
                    count = write_xlsx(draft, what, names, rows)
                else:
                    with draft.open("w", encoding="utf-8", newline="") as stream:
                        write = write_json if format == "json" else write_csv
                        count = write(stream, names, rows)
                sync(draft)
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)
        self.counters = {"rows": count}
        self.result({"rows": count, "file": target}, f"Wrote {count} rows into {target}.")


class _Stdout:
    """Takes text for stdout as it comes: a million rows need no memory."""

    def __init__(self, command: OpsCommand) -> None:
        self._stdout = command.stdout

    def write(self, text: str, /) -> None:
        """Write some text, and no line end of its own."""
        self._stdout.write(text, ending="")


def _target(output: str) -> Path:
    folder = script_folder()
    path = Path(output)
    if path.is_absolute():
        if not path.resolve().is_relative_to(folder.root.resolve()):
            raise UsageError(f"{output} is not below {folder.root}: files are written only there.")
        target = path
    else:
        target = folder.inside("output", *path.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
