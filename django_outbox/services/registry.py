"""Which function does which job type."""

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction
from django.utils.module_loading import autodiscover_modules

from django_outbox.exceptions import HandlerConflictError, UnknownJobTypeError

__all__ = ["Handler", "HandlerRegistry", "Registration", "Resolver", "handler", "registry"]

#: Takes the job, and its payload as an object where the registration names a type for it.
Handler = Callable[..., Any]
_F = TypeVar("_F", bound=Handler)


@dataclass(frozen=True)
class Registration:
    """
    A handler and how it wants to be run; see :func:`handler`.

    Raises:
        TypeError: its function cannot be run in that way.
    """

    job_type: str
    function: Handler
    atomic: bool = False
    keep_result: bool = False
    process: bool = False
    timeout_seconds: float | None = None
    payload: Any = None
    is_async: bool = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        object.__setattr__(self, "is_async", iscoroutinefunction(self.function))
        what = f"The handler of job type {self.job_type!r}, {self.function!r},"
        if inspect.isgeneratorfunction(self.function) or inspect.isasyncgenfunction(self.function):
            raise TypeError(
                f"{what} does nothing when it is called, being a generator. Make it a function "
                "that loops and returns."
            )
        if self.atomic and self.is_async:
            raise TypeError(
                f"{what} cannot be atomic: a transaction belongs to one thread, and an async "
                "handler has none. Make it a plain function, or leave atomic out."
            )
        if self.timeout_seconds is None:
            return
        if not self.is_async and not self.process:
            raise TypeError(
                f"{what} cannot have timeout_seconds: Python has no way to end a thread. Add "
                "process=True, or make it async."
            )
        if not self.timeout_seconds > 0:
            raise ValueError(f"timeout_seconds must be more than 0, got {self.timeout_seconds!r}.")


#: Makes the registration of a job type, which begins with the prefix that it was added for.
Resolver = Callable[[str], Registration]


class HandlerRegistry:
    """The handlers of a process; filled from each app's ``outbox_handlers`` at first use."""

    def __init__(self) -> None:
        self._handlers: dict[str, Registration] = {}
        self._resolvers: dict[str, Resolver] = {}
        self._discovered = False
        # Reentrant: discovery imports modules, and those register their handlers.
        self._lock = threading.RLock()

    def register(self, new: Registration) -> None:
        """
        Make a function do the jobs of a type; twice the same one is fine.

        Raises:
            HandlerConflictError: another function does them already.
        """
        with self._lock:
            known = self._handlers.get(new.job_type)
            if known is not None and _path(known.function) != _path(new.function):
                raise HandlerConflictError(
                    f"Job type {new.job_type!r} has two handlers: {_path(known.function)} and "
                    f"{_path(new.function)}. Give one of them another job type."
                )
            self._handlers[new.job_type] = new

    def add_resolver(self, prefix: str, resolve: Resolver) -> None:
        """
        Ask ``resolve`` for the handler of each job type that begins with ``prefix``.

        It is asked once per job type, when the first such job is run, and what it returns is
        kept. It raises :class:`UnknownJobTypeError` for a job type that it does not know.
        """
        with self._lock:
            self._resolvers[prefix] = resolve

    def discover(self) -> None:
        """Import ``outbox_handlers`` of every installed app, once."""
        with self._lock:
            if not self._discovered:
                autodiscover_modules("outbox_handlers")
                self._discovered = True

    def get(self, job_type: str) -> Registration:
        """Return the handler of ``job_type``; UnknownJobTypeError when there is none."""
        known = self._handlers.get(job_type)
        return known if known is not None else self._resolve(job_type)

    def _resolve(self, job_type: str) -> Registration:
        self.discover()
        with self._lock:
            if job_type in self._handlers:
                return self._handlers[job_type]
            for prefix, resolve in self._resolvers.items():
                if job_type.startswith(prefix):
                    return self._handlers.setdefault(job_type, resolve(job_type))
        known = ", ".join(sorted(self._handlers)) or "none"
        raise UnknownJobTypeError(
            f"No handler is registered for job type {job_type!r} (known: {known}). Decorate "
            f"a function with @handler({job_type!r}) in an installed app's "
            "outbox_handlers.py and restart the worker."
        )

    def job_types(self) -> list[str]:
        """Return the job types that have a handler, sorted."""
        self.discover()
        return sorted(self._handlers)


def _path(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


#: The registry of this process.
registry = HandlerRegistry()


def handler(
    job_type: str,
    *,
    atomic: bool = False,
    keep_result: bool = False,
    process: bool = False,
    timeout_seconds: float | None = None,
    payload: Any = None,
) -> Callable[[_F], _F]:
    """
    Register the decorated function, which takes the :class:`OutboxJob`, for ``job_type``.

    Delivery is at least once: a handler may run again after a crash, so write it such that the
    second run does no harm. What it raises makes the job wait for its next attempt. An ``async
    def`` runs on the worker's event loop, beside others.

    Args:
        job_type: the name under which jobs are enqueued.
        atomic: run the handler and complete its job in one transaction of the job's database:
            what the handler writes there is written exactly once. Not for ``async def``.
        keep_result: store what the handler returns, a JSON value, in ``OutboxJob.result``.
            Otherwise it is ignored.
        process: run the handler in a process of its own, which is used for one job after the
            other. One that crashes or hangs costs an attempt and not the worker.
        timeout_seconds: end the handler after this long, and count a failed attempt. For
            ``process=True``, which is killed, and ``async def``, which is cancelled.
        payload: the type of the payload, a pydantic model or a dataclass: the handler gets it
            as an object, its second argument.

    Raises:
        TypeError: the function cannot be run in that way: it is a generator, for one.
        HandlerConflictError: another function does this job type already.
    """

    def register(function: _F) -> _F:
        registry.register(
            Registration(
                job_type,
                function,
                atomic=atomic,
                keep_result=keep_result,
                process=process,
                timeout_seconds=timeout_seconds,
                payload=payload,
            )
        )
        return function

    return register
