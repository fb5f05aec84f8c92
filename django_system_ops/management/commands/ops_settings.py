"""Say which settings are in force, and where each value came from."""

import json
from typing import Any

from django.core.management.base import CommandParser

from django_opskit.commands import UsageError
from django_system_ops.management.base import SystemOpsCommand
from django_system_ops.services.effective import effective_settings

__all__ = ["Command"]


class Command(SystemOpsCommand):
    """``ops_settings``: see its help."""

    help = (
        "Show the settings of the commands as they are in force, each with where its value came "
        "from: the environment, the settings or the default. Options of a command go before all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the section."""
        parser.add_argument("section", nargs="?", help="Only this one, such as backup.")

    def perform(self, *, section: str | None = None, **options: Any) -> None:
        """Show them."""
        values = list(effective_settings())
        if section:
            found = [one for one in values if one.key.partition(".")[0] == section]
            if not found:
                known = ", ".join(dict.fromkeys(one.key.partition(".")[0] for one in values))
                raise UsageError(f"There is no section {section!r}; there are {known}.")
            values = found
        width = max(len(one.key) for one in values)
        self.result(
            {
                one.key: {"value": one.value, "from": one.origin, "variable": one.variable or None}
                for one in values
            },
            *(
                f"{one.key:<{width}}  {json.dumps(one.value)}  ({one.origin}"
                f"{f': {one.variable}' if one.variable and one.origin == 'environment' else ''})"
                for one in values
            ),
        )
