"""What the probes of this app have in common."""

from collections.abc import Container
from dataclasses import dataclass
from math import isfinite
from typing import TypeGuard

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes.sockets import Deadline, tls_context

__all__ = ["BuiltIn", "graded", "is_number"]

_DEFAULT_TIMEOUT_SECONDS = 5.0


@dataclass(kw_only=True)
class BuiltIn:
    """
    Options that every probe of this app takes, by keyword.

    Attributes:
        name: what it is called; "" names what it looks at.
        timeout_seconds: how long it may take; None leaves it to the settings.
        critical: whether its failure makes the site unhealthy.

    Raises:
        CheckSetupError: an option is wrong; raised when it is made, not when it runs.
    """

    name: str = ""
    timeout_seconds: float | None = None
    critical: bool = True

    def __post_init__(self) -> None:
        if self.timeout_seconds is not None:
            self._require(
                is_number(self.timeout_seconds) and self.timeout_seconds > 0,
                "timeout_seconds must be above 0",
                self.timeout_seconds,
            )
        self._check_options()
        self.name = self.name or self._own_name()

    @property
    def is_async(self) -> bool:
        """Return False: they run in a thread."""
        return False

    @property
    def deadline(self) -> Deadline:
        """Return when a run that starts now has to give up waiting."""
        return Deadline(self.timeout_seconds or _DEFAULT_TIMEOUT_SECONDS)

    def _check_options(self) -> None:
        """Raise CheckSetupError when an option is wrong; may put options into their final form."""

    def _own_name(self) -> str:
        """Return what it is called when nobody says otherwise: without secrets."""
        return type(self).__name__

    def _require(self, holds: bool, rule: str, value: object) -> None:
        if not holds:
            raise CheckSetupError(f"{type(self).__name__}: {rule}, got {value!r}")

    def _require_text(self, value: object, rule: str) -> None:
        self._require(isinstance(value, str) and bool(value.strip()), rule, value)

    def _require_host_and_port(self, host: object, port: object) -> None:
        self._require_text(host, "host must be a name or an address")
        self._require(
            isinstance(port, int) and not isinstance(port, bool) and 1 <= port <= 65535,
            "port must be from 1 to 65535",
            port,
        )

    def _require_ca_file(self, ca_file: str | None) -> None:
        if ca_file is not None:
            try:
                tls_context(verify=True, ca_file=ca_file)
            except (OSError, TypeError) as error:
                rule = f"ca_file must be a readable PEM file ({type(error).__name__})"
                self._require(False, rule, ca_file)

    def _require_alias(self, alias: object, known: Container[object], setting: str) -> None:
        self._require(
            isinstance(alias, str) and alias in known, f"alias must be a key of {setting}", alias
        )


def graded(value: float, *, warn_at: float | None, down_at: float | None) -> State:
    """Return the state of something that is worse the larger ``value`` is; None is no limit."""
    if down_at is not None and value >= down_at:
        return State.DOWN
    if warn_at is not None and value >= warn_at:
        return State.WARN
    return State.UP


def is_number(value: object) -> TypeGuard[float]:
    """Return whether it is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
