"""Make the key of the site's backups."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import UsageError
from django_system_ops.conf import get_conf
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.sealing import new_key, write_key_file

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``ops_keygen``: see its help."""

    help = (
        "Make a key with which backups are encrypted, in a file that its owner alone can read. A "
        "file that exists is never overwritten."
    )
    # A key can be made where there is no database yet.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument(
            "--output",
            type=Path,
            required=True,
            metavar="PATH",
            help="Where the key goes; not among the backups.",
        )

    def perform(self, **options: Any) -> None:
        """Make it."""
        key, path = new_key(), Path(options["output"]).absolute()
        if path.is_relative_to(backups := get_conf().backup_path):
            raise UsageError(
                f"--output {options['output']}: that is among the backups in {backups}, and who "
                "takes them would have their key. Name another place."
            )
        write_key_file(path, key)
        self.result(
            {"key_id": key.id, "path": str(path)},
            f"Key {key.id} is in {path}.",
            f"Set MANAGEMENT_COMMANDS['backup']['key_file'] to {str(path)!r}.",
            "Keep a copy elsewhere, off this machine: without the key no backup can be read.",
        )
