"""A function as a check."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from asgiref.sync import iscoroutinefunction

from django_health_check_job.engine.outcome import State
from django_health_check_job.probes.base import Down, ProbeResult, Unknown

__all__ = ["FunctionProbe", "name_of", "settled"]


class FunctionProbe:
    """
    A function, or an async function, that looks once.

    What it does means: an exception, or False, is DOWN (Warn and Unknown say what they say);
    nothing, or True, is UP; a text is UP with that message; a ProbeResult is taken as it is.

    Args:
        function: what to call.
        options: its keyword arguments.
    """

    critical = True

    def __init__(
        self, function: Callable[..., Any], options: Mapping[str, Any] | None = None
    ) -> None:
        self._function = function
        self._options = dict(options or {})
        self.name = name_of(function)
        self.timeout_seconds: float | None = None

    @property
    def is_async(self) -> bool:
        """Return whether the function is an async one."""
        function = self._function
        while isinstance(function, partial):
            function = function.func
        is_plain = inspect.isroutine(function) or inspect.isclass(function)
        return iscoroutinefunction(function) or (
            not is_plain and iscoroutinefunction(type(function).__call__)
        )

    def run(self) -> ProbeResult | Awaitable[ProbeResult]:
        """Call it."""
        if self.is_async:
            return self._run_async()
        return _meaning(settled(self._function(**self._options)))

    async def _run_async(self) -> ProbeResult:
        return _meaning(await self._function(**self._options))


def name_of(function: Callable[..., Any]) -> str:
    """Return what a function, or an object that can be called, is called."""
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__name__", None) or type(function).__name__


def settled(value: Any) -> Any:
    """
    Return ``value``, or what it gives once it was awaited.

    A decorator may hide that a function is async. Left alone, its coroutine would be a success
    that nobody has looked for.
    """
    if not inspect.isawaitable(value):
        return value

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())


def _meaning(value: Any) -> ProbeResult:
    if isinstance(value, ProbeResult):
        return value
    if value is None or value is True:
        return ProbeResult()
    if value is False:
        raise Down("returned False")
    if isinstance(value, str):
        return ProbeResult(State.UP, value or "OK")
    raise Unknown(
        f"returned a {type(value).__name__}: "
        "a check returns nothing, True, False, a text or a ProbeResult"
    )
