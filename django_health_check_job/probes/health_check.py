"""
Checks of django-health-check, of both its lines, as probes.

Up to 3.24 a check collects its errors in ``run_check()``; from 4.0 on it has a ``run()``, maybe an
async one, that raises one. The classes say which they are; no version number is read, and nothing
is imported that a check has not imported already.
"""

import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.utils.translation import override

from django_health_check_job.probes.base import Down, ProbeResult, Warn
from django_health_check_job.probes.function import settled

__all__ = ["HealthCheckProbe", "is_health_check", "plugins_registered"]

#: What 4.x adds to a check's own limit, so that its client's timeout is reported first.
_GRACE_SECONDS = 1.0


class HealthCheckProbe:
    """
    One check of django-health-check.

    ServiceWarning is WARN, every other HealthCheckException is DOWN, and the message reads the
    same on both lines. Anything else that a check raises leaves :meth:`run` as it is.

    Args:
        check_class: a class for which :func:`is_health_check` holds.
        options: its keyword arguments; a probe keeps what they become, so they must be fresh.
    """

    def __init__(
        self, check_class: Callable[..., Any], options: Mapping[str, Any] | None = None
    ) -> None:
        self._check = check_class(**(options or {}))
        self.name = _identity(self._check)
        # 4.x has no such word; a class that sets it all the same is understood.
        self.critical = bool(getattr(self._check, "critical_service", True))
        self.timeout_seconds = _own_limit(self._check)

    @property
    def is_async(self) -> bool:
        """Return whether the check's ``run`` is an async one."""
        return not _collects_errors(type(self._check)) and iscoroutinefunction(self._check.run)

    def run(self) -> ProbeResult | Awaitable[ProbeResult]:
        """Run the check itself, without what its library puts around it."""
        if self.is_async:
            return self._run_async()
        exceptions = import_module("health_check.exceptions")
        if _collects_errors(type(self._check)):
            self._check_status(exceptions.HealthCheckException)
            return ProbeResult()
        try:
            settled(self._check.run())
        except exceptions.HealthCheckException as error:
            _raise_if_bad([error])
        return ProbeResult()

    def _check_status(self, expected: type[Exception]) -> None:
        """Do what ``run_check`` of 3.x does, which would log the traceback of whatever it is."""
        if "run_check" in vars(type(self._check)):
            # The check's own: whoever wrote it wants it so.
            self._check.run_check()
        else:
            self._check.errors = []
            try:
                self._check.check_status()
            except expected as error:
                self._check.errors.append(error)
        _raise_if_bad(self._check.errors)

    async def _run_async(self) -> ProbeResult:
        exceptions = import_module("health_check.exceptions")
        try:
            await self._check.run()
        except exceptions.HealthCheckException as error:
            _raise_if_bad([error])
        return ProbeResult()


def is_health_check(candidate: object) -> bool:
    """Return whether ``candidate`` is a check class of django-health-check."""
    if not isinstance(candidate, type):
        return False
    if _collects_errors(candidate):
        return True
    base = sys.modules.get("health_check.base")
    return base is not None and issubclass(candidate, base.HealthCheck)


def plugins_registered() -> Iterable[tuple[Any, dict[str, Any]]]:
    """Return what apps have registered with ``plugin_dir``; on 4.x there is none."""
    # Who registers has imported it; importing it here would need all its libraries.
    plugins = sys.modules.get("health_check.plugins")
    return list(plugins.plugin_dir._registry) if plugins else []


def _collects_errors(check_class: type) -> bool:
    """Return whether it is a check of the 3.x line, whatever its base is called there."""
    return hasattr(check_class, "run_check") and hasattr(check_class, "check_status")


def _raise_if_bad(errors: Iterable[Any]) -> None:
    """Raise the verdict on what a check has complained about."""
    errors = list(errors)
    if not errors:
        return
    warning = import_module("health_check.exceptions").ServiceWarning
    message = "\n".join(map(_sentence, errors))
    cause = errors[0] if isinstance(errors[0], BaseException) else None
    if all(isinstance(error, warning) for error in errors):
        raise Warn(message) from cause
    raise Down(message) from cause


def _sentence(error: Any) -> str:
    """
    Return what an error says, in the words of the 3.x line.

    4.x writes its own four words with capitals, and 3.x translates them: history would have two
    messages for one fault, and searching for it as many more. The words of others stay.
    """
    exceptions = import_module("health_check.exceptions")
    if not isinstance(error, exceptions.HealthCheckException):
        return f"unexpected {type(error).__name__}"
    owner = next(one for one in type(error).__mro__ if "message_type" in vars(one))
    is_plain = type(error).__str__ is exceptions.HealthCheckException.__str__
    if not is_plain or owner.__module__ != exceptions.__name__:
        return str(error)
    with override(None):
        word = str(error.message_type).lower()
    return f"{word}: {error.message}"


def _identity(check: Any) -> str:
    """Return what a check is called on both lines: its own identifier, or how it is written."""
    if callable(own := getattr(check, "identifier", None)):
        return str(own())
    # A default repr holds an address in memory: another name in each process.
    if getattr(type(check), "__repr__", None) is object.__repr__:
        return type(check).__name__
    written = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(check))
    # Where a class is nested is no part of its name; 4.x writes "()" where 3.x writes nothing.
    return re.sub(r"^[\w.<>]*<locals>\.", "", written).removesuffix("()")


def _own_limit(check: Any) -> float | None:
    """Return the seconds that a check allows itself; None when it only has its base's default."""
    own = getattr(check, "timeout", None)
    base = sys.modules.get("health_check.base")
    if base is not None and own is getattr(base.HealthCheck, "timeout", None):
        return None
    if _collects_errors(type(check)) or not isinstance(own, timedelta):
        return None
    return own.total_seconds() + _GRACE_SECONDS
