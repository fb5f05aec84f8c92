"""A command that does its work in one go and tells the outcome."""

import sys
import time
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import OpsCommand


class Command(OpsCommand):
    """Copy some rows, or say that it would."""

    changes_data = True
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("args", nargs="*")
        parser.add_argument("--rows", type=int, default=3)
        parser.add_argument("--token", default="")
        parser.add_argument("--raw", action="store_true")
        parser.add_argument("--silent", action="store_true")

    def handle(
        self,
        *args: Any,
        rows: int = 3,
        dry_run: bool = False,
        raw: bool = False,
        silent: bool = False,
        **options: Any,
    ) -> None:
        self.counters = {"copied": 0 if dry_run else rows}
        if raw:
            self.stdout.write("Written past the base.")
        elif not silent:
            with self.progress("Copying", total=rows) as advance:
                for row in range(rows):
                    time.sleep(0.01)
                    if self.verbosity > 1:
                        sys.stdout.write(f"row {row}\n")  # as print() does in somebody's library
                    advance(1)
            verb = "Would copy" if dry_run else "Copied"
            self.result({"copied": self.counters["copied"]}, f"{verb} {rows} rows.", "Done.")
