"""django-health-check's command of the same name, which ours stands before."""

import argparse
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from django.core.management.base import BaseCommand, CommandParser

__all__ = ["load_peer", "peer_options"]

_MODULE = "health_check.management.commands.health_check"

# What its two lines have, where it is not here to be asked: 3.24, then 4.8.
_KNOWN_FLAGS = ("--http", "--no-http")
_KNOWN_OPTIONS = (("-s", "--subset"), ("--forwarded-host",), ("--forwarded-proto",))


def load_peer() -> tuple[BaseCommand | None, str]:
    """
    Return its command, or None and why not. It need not be in INSTALLED_APPS.

    It never fails: who asks this site's services does not care about the other command.
    """
    missing = "is not installed: pip install django-health-check"
    try:
        if find_spec(_MODULE) is None:
            return None, missing
        command = import_module(_MODULE).Command()
    except ModuleNotFoundError:  # of a package above it
        return None, missing
    except Exception as error:  # noqa: BLE001  # whatever a package of others raises at import
        return None, f"cannot be used here: {error}"
    return (command, "") if isinstance(command, BaseCommand) else (None, missing)


def peer_options(peer: BaseCommand | None, taken: set[str]) -> Iterator[argparse.Action]:
    """Yield its options but those in ``taken``; they stay unset where they are not given."""
    parser = CommandParser(add_help=False)
    if peer is not None:
        peer.add_arguments(parser)
    else:
        for flag in _KNOWN_FLAGS:
            parser.add_argument(flag, action="store_true")
        for names in _KNOWN_OPTIONS:
            parser.add_argument(*names)
    for action in parser._actions:
        if action.option_strings and not taken & set(action.option_strings):
            action.default = action.help = argparse.SUPPRESS
            action.required = False
            yield action
