"""Whether what import_knowledge writes beside the database lies where nobody else looks."""

from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.conf import get_conf
from django_system_ops.services.data_types import data_types
from django_system_ops.services.importing.orders import importing_problem

__all__ = ["check_importing"]

_PUBLIC = ("MEDIA_ROOT", "STATIC_ROOT")


def check_importing(**_kwargs: object) -> list[CheckMessage]:
    """E065: rejected rows would lie where the web server hands out files. W065: see there."""
    try:
        conf = get_conf()
        kinds = data_types()
    except ImproperlyConfigured:
        return []  # said by other checks
    directory = conf.below_base(getattr(conf, "import").directory)
    found: list[CheckMessage] = [
        Error(
            f"Rejected rows of imports are in {directory}, below {name}, which the web server "
            "hands out.",
            hint="Set MANAGEMENT_COMMANDS['import']['directory'] to a place outside of it.",
            id="django_system_ops.E065",
        )
        for name in _PUBLIC
        if (public := getattr(settings, name, None))
        and directory.is_relative_to(Path(public).absolute())
    ]
    found += [
        CheckWarning(
            f"MANAGEMENT_COMMANDS['data']['types']['{kind.name}']: {problem}.",
            hint="It can go out, and cannot come in.",
            id="django_system_ops.W065",
        )
        for kind in kinds
        if (problem := importing_problem(kind.model))
    ]
    return found
