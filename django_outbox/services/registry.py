"""Which function does which job type."""

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.utils.module_loading import autodiscover_modules

from django_outbox.exceptions import HandlerConflictError, UnknownJobTypeError
from django_outbox.models import OutboxJob

__all__ = ["Handler", "HandlerRegistry", "Registration", "handler", "registry"]

#: Takes the job; what it returns is ignored.
Handler = Callable[[OutboxJob], Any]
_F = TypeVar("_F", bound=Callable[..., Any])

_LAZY = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


@dataclass(frozen=True)
class Registration:
    """A handler and how it wants to be run."""

    job_type: str
    function: Handler


class HandlerRegistry:
    """The handlers of a process; filled from each app's ``outbox_handlers`` at first use."""

    def __init__(self) -> None:
        self._handlers: dict[str, Registration] = {}
        self._discovered = False
        # Reentrant: discovery imports modules, and those register their handlers.
        self._lock = threading.RLock()

    def register(self, new: Registration) -> None:
        """
        Make a function do the jobs of a type; twice the same one is fine.

        Raises:
            HandlerConflictError: another function does them already.
            TypeError: it is async or a generator.
        """
        job_type, function = new.job_type, new.function
        if any(is_lazy(function) for is_lazy in _LAZY):
            raise TypeError(
                f"The handler of job type {job_type!r}, {function!r}, does nothing when it is "
                "called, being async or a generator. Wrap it: async_to_sync() of asgiref runs a "
                "coroutine to its end."
            )
        with self._lock:
            known = self._handlers.get(job_type)
            if known is not None and _path(known.function) != _path(function):
                raise HandlerConflictError(
                    f"Job type {job_type!r} has two handlers: {_path(known.function)} and "
                    f"{_path(function)}. Give one of them another job type."
                )
            self._handlers[job_type] = new

    def discover(self) -> None:
        """Import ``outbox_handlers`` of every installed app, once."""
        with self._lock:
            if not self._discovered:
                autodiscover_modules("outbox_handlers")
                self._discovered = True

    def get(self, job_type: str) -> Registration:
        """Return the handler of ``job_type``; UnknownJobTypeError when there is none."""
        self.discover()
        try:
            return self._handlers[job_type]
        except KeyError:
            known = ", ".join(sorted(self._handlers)) or "none"
            raise UnknownJobTypeError(
                f"No handler is registered for job type {job_type!r} (known: {known}). Decorate "
                f"a function with @handler({job_type!r}) in an installed app's "
                "outbox_handlers.py and restart the worker."
            ) from None

    def job_types(self) -> list[str]:
        """Return the job types that have a handler, sorted."""
        self.discover()
        return sorted(self._handlers)


def _path(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


#: The registry of this process.
registry = HandlerRegistry()


def handler(job_type: str) -> Callable[[_F], _F]:
    """
    Register the decorated function, which takes the :class:`OutboxJob`, for ``job_type``.

    Delivery is at least once: a handler may run again after a crash, so write it such that the
    second run does no harm. What it raises makes the job wait for its next attempt.
    """

    def register(function: _F) -> _F:
        registry.register(Registration(job_type, function))
        return function

    return register
