"""Print the figures of the commands for Prometheus."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services import history, metrics

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``ops_metrics``: see its help."""

    help = (
        "Print for each command, in Prometheus' text format, how its last run ended, how long it "
        "took and how long ago it last succeeded. With --output for node_exporter's collector of "
        "text files."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option."""
        parser.add_argument(
            "--output", metavar="FILE", type=Path, help="Put them into this file, whole or not."
        )

    def perform(self, *, output: Path | None = None, **options: Any) -> None:
        """Print them."""
        using = get_conf().history.database
        history.tidy(using=using)
        text = metrics.render(timezone.now(), using=using)
        if output is None:
            self.result({"text": text}, text.rstrip("\n"))
            return
        part = output.with_name(f".{output.name}.{os.getpid()}")
        try:
            part.write_text(text, "utf-8")
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
        self.result({"file": output}, f"Wrote {output}.")
