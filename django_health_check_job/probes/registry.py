"""The checks that apps contribute: django-health-check 4 has no registry of its own."""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar, overload

__all__ = ["Registration", "register", "registered"]

T = TypeVar("T", bound=Callable[..., Any])

Registration = tuple[Callable[..., Any], dict[str, Any]]

_lock = Lock()
_registered: list[Registration] = []


@overload
def register(check: T) -> T: ...


@overload
def register(check: None = None, **options: Any) -> Callable[[T], T]: ...


def register(check: T | None = None, **options: Any) -> T | Callable[[T], T]:
    """
    Add a check to those that every monitor of this site runs.

    As ``@register`` above a class or a function, or as ``@register(NAME="Search",
    INTERVAL_SECONDS=60)`` with the keys of ``HEALTH_CHECK_JOB["CHECKS"]``. The same check with
    the same options counts once.
    """

    def add(one: T) -> T:
        with _lock:
            if (one, options) not in _registered:
                _registered.append((one, options))
        return one

    return add if check is None else add(check)


def registered() -> list[Registration]:
    """Return what was registered, in that order."""
    with _lock:
        return list(_registered)
