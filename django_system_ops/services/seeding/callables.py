"""What settings name by dotted paths, and where rows that are made up may go."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_system_ops.exceptions import WrongUsageError

__all__ = ["load_callable", "refuse_in_production"]


def load_callable(path: str, place: str) -> Callable[[Any], object]:
    """
    Return the callable of a dotted path that ``place`` in the settings names.

    Raises:
        ImproperlyConfigured: there is none.
    """
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"{place}: {path!r} cannot be imported: {error}.") from error
    if not callable(found):
        raise ImproperlyConfigured(f"{place}: {path!r} cannot be called.")
    loaded: Callable[[Any], object] = found
    return loaded


def refuse_in_production(*, allow: bool) -> None:
    """
    Let nobody mix what is made up with what is real by mistake.

    Raises:
        WrongUsageError: DEBUG is off, and nobody said that this is meant.
    """
    if not (settings.DEBUG or allow):
        raise WrongUsageError(
            "DEBUG is off, so this may be a real site, and made-up rows do not belong there: "
            "add --allow-production if they are meant."
        )
