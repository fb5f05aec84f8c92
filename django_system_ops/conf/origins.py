"""Where a value came from."""

from collections.abc import Mapping
from enum import StrEnum

from django.conf import settings

from django_system_ops.conf.environment import VARIABLES

__all__ = ["Origin", "origin_of"]


class Origin(StrEnum):
    """Where a value came from; the first that has one decides."""

    COMMAND_LINE = "command line"
    ENVIRONMENT = "environment"
    SETTINGS = "settings"
    DEFAULT = "default"


def origin_of(section: str, key: str, *, is_given: bool = False) -> Origin:
    """
    Return where the value of ``MANAGEMENT_COMMANDS[section][key]`` comes from.

    ``section`` is "" for a key that is in no section; ``is_given`` says that the command line
    has it.
    """
    if is_given:
        return Origin.COMMAND_LINE
    for variable in VARIABLES:
        if (variable.section, variable.key) == (section, key) and variable.text is not None:
            return Origin.ENVIRONMENT
    raw = getattr(settings, "MANAGEMENT_COMMANDS", {})
    inside = raw.get(section, {}) if section and isinstance(raw, Mapping) else raw
    return Origin.SETTINGS if isinstance(inside, Mapping) and key in inside else Origin.DEFAULT
