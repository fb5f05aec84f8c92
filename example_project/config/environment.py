"""Settings that come from the environment, with a sentence when one is missing."""

import os

from django.core.exceptions import ImproperlyConfigured

__all__ = ["flag", "required", "required_list"]


def required(name: str, meaning: str) -> str:
    """
    Return the environment variable ``name``.

    Raises:
        ImproperlyConfigured: it is missing or empty; the message tells ``meaning``.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"Set the environment variable {name}: {meaning}.")
    return value


def required_list(name: str, meaning: str) -> list[str]:
    """Return the comma-separated parts of :func:`required`."""
    return [part for part in (p.strip() for p in required(name, meaning).split(",")) if part]


def flag(name: str) -> bool:
    """
    Return whether ``name`` is ``1``; missing, empty and ``0`` are false.

    Raises:
        ImproperlyConfigured: it is anything else, such as ``yes``.
    """
    value = os.environ.get(name, "").strip()
    if value not in {"", "0", "1"}:
        raise ImproperlyConfigured(
            f"The environment variable {name} must be 1 or 0, got {value!r}."
        )
    return value == "1"
