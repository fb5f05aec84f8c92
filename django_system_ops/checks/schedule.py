"""Whether what the schedule runs exists, and leaves a trace that can be watched."""

from collections.abc import Iterator
from difflib import get_close_matches

from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands

from django_system_ops.conf import get_conf
from django_system_ops.services.known_commands import is_recordable

__all__ = ["check_schedule"]


def check_schedule(**_kwargs: object) -> list[CheckMessage]:
    """
    Report what ``MANAGEMENT_COMMANDS["schedule"]`` cannot run or watch.

    E008: there is no such command. W008: it does not record itself, so that nobody hears when it
    does not run.
    """
    try:
        return list(_found())
    except ImproperlyConfigured:
        return []  # said by the check of the setting


def _found() -> Iterator[CheckMessage]:
    known = get_commands()
    for name, scheduled in get_conf().schedule.items():
        place = f"MANAGEMENT_COMMANDS['schedule'][{name!r}]"
        if scheduled.command not in known:
            close = get_close_matches(scheduled.command, known, n=1)
            yield Error(
                f"{place}: there is no command {scheduled.command!r}.",
                hint=f"Did you mean {close[0]!r}?" if close else "Write the name of a command.",
                id="django_system_ops.E008",
            )
        elif not is_recordable(scheduled.command):
            yield CheckWarning(
                f"{place}: {scheduled.command} does not record its runs, so that ops_schedule "
                "--check cannot say when one is missing.",
                hint="Have it watched by something else, and silence this.",
                id="django_system_ops.W008",
            )
