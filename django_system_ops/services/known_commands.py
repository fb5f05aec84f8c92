"""Commands by name: which there are, and which of them record themselves."""

from typing import Any

from django.core.management import get_commands, load_command_class

from django_opskit.commands import OpsCommand
from django_system_ops.exceptions import WrongUsageError

__all__ = ["is_recordable", "load"]


def load(name: str) -> OpsCommand:
    """
    Return an instance of a command that records itself.

    Raises:
        WrongUsageError: there is none, or it is no :class:`~django_opskit.commands.OpsCommand`.
    """
    # A command that was put in by hand stands there itself.
    apps: dict[str, Any] = get_commands()
    if name not in apps:
        raise WrongUsageError(f"There is no command {name!r}.")
    app = apps[name]
    command = load_command_class(app, name) if isinstance(app, str) else app
    if not isinstance(command, OpsCommand):
        raise WrongUsageError(
            f"{name!r} is no command of django-opskit: it cannot be recorded or stopped."
        )
    return command


def is_recordable(name: str) -> bool:
    """Return whether there is such a command, and it records itself."""
    try:
        load(name)
    except WrongUsageError:
        return False  # said by the system check
    return True
