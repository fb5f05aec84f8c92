"""What the site lets people start in the admin."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands

from django_system_ops.conf import ManagementCommandsSettings, get_conf
from django_system_ops.exceptions import WrongUsageError
from django_system_ops.services.known_commands import load

__all__ = ["check_admin_allow"]


def check_admin_allow(**_kwargs: object) -> list[CheckMessage]:
    """Report entries of ``admin_allow`` that cannot work."""
    try:
        return list(_problems(get_conf()))
    except ImproperlyConfigured:
        return []  # said by the check of the setting


def _problems(conf: ManagementCommandsSettings) -> Iterator[CheckMessage]:
    if conf.admin_allow and not conf.history.enabled:
        yield Error(
            "MANAGEMENT_COMMANDS['admin_allow'] names commands, and the history is off, in which "
            "their runs are shown.",
            hint="Take 'enabled' out of MANAGEMENT_COMMANDS['history'], or empty 'admin_allow'.",
            id="django_system_ops.E005",
        )
    for name in conf.admin_allow:
        place = f"MANAGEMENT_COMMANDS['admin_allow'] names {name!r}"
        try:
            load(name)
        except WrongUsageError as error:
            close = get_close_matches(name, get_commands(), n=1)
            hint = f"Did you mean {close[0]!r}?" if close else "Take it out."
            yield Error(f"{place}: {error}", hint=hint, id="django_system_ops.E004")
    if isinstance(conf.admin_allow, Mapping):
        for name, permission in conf.admin_allow.items():
            app, dot, codename = permission.partition(".")
            if not (app and dot and codename):
                yield Error(
                    f"MANAGEMENT_COMMANDS['admin_allow'][{name!r}] is {permission!r}, and no "
                    "permission is called so.",
                    hint='Write it as "app_label.codename", such as '
                    '"django_system_ops.run_command".',
                    id="django_system_ops.E006",
                )
