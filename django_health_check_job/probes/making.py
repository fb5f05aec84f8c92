"""From an entry of a list of checks to probes, a fresh one for each run."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from django.utils.module_loading import import_string
from pydantic import ValidationError

from django_health_check_job.conf import CheckSettings
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.probes.base import Probe
from django_health_check_job.probes.broken import BrokenProbe
from django_health_check_job.probes.function import FunctionProbe, name_of
from django_health_check_job.probes.health_check import HealthCheckProbe, is_health_check

__all__ = ["Maker", "label_of", "read_entry", "resolved"]


@dataclass(frozen=True)
class Maker:
    """
    Makes the probes of one check.

    Attributes:
        target: a class or a function.
        options: its keyword arguments, copied for each probe.
    """

    target: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Probe:
        """Return a fresh probe; one that says why when it cannot be made."""
        try:
            return self.make()
        except CheckSetupError as error:
            return BrokenProbe(label_of(self.target), str(error))

    def make(self) -> Probe:
        """
        Return a fresh probe.

        Raises:
            CheckSetupError: the target does not take the options, or is no check. What is not
                ours to publish is its ``__cause__`` alone.
        """
        self._require_fit()
        options = {name: _copied(value) for name, value in self.options.items()}
        try:
            if is_health_check(self.target):
                return HealthCheckProbe(self.target, options)
            if not isinstance(self.target, type):
                return FunctionProbe(self.target, options)
            made = self.target(**options)
        except CheckSetupError:
            raise
        except Exception as error:
            raise CheckSetupError(
                f"{label_of(self.target)} raised {type(error).__name__} when it was made"
            ) from error
        if isinstance(made, Probe):
            return made
        if callable(made):
            return FunctionProbe(made)
        raise CheckSetupError(
            f"{label_of(self.target)} is neither a probe, nor a check of django-health-check, "
            "nor can it be called"
        )

    def is_same_as(self, other: "Maker") -> bool:
        """Return whether both make the same check: defaults count, however they are written."""
        return self.target is other.target and self._arguments() == other._arguments()

    def _arguments(self) -> Mapping[str, Any]:
        with suppress(TypeError, ValueError):
            bound = inspect.signature(self.target).bind(**self.options)
            bound.apply_defaults()
            return bound.arguments
        return self.options

    def _require_fit(self) -> None:
        try:
            signature = inspect.signature(self.target)
        except (TypeError, ValueError):  # written in C, without a signature
            return
        try:
            signature.bind(**self.options)
        except TypeError as error:
            # The text is inspect's own: names of arguments, and no values.
            raise CheckSetupError(
                f"{label_of(self.target)} does not take these OPTIONS: {error}"
            ) from None


def read_entry(raw: object) -> CheckSettings:
    """
    Return one entry of a list of checks in its long form.

    Args:
        raw: a dict of settings, a path, a class, a function, or one of the last three in a tuple
            with its options, as django-health-check writes it.

    Raises:
        CheckSetupError: it is none of these.
    """
    if isinstance(raw, tuple | list):
        if len(raw) != 2 or not isinstance(raw[1], Mapping):
            raise CheckSetupError("a tuple must hold a check and a dict of its options")
        raw = {"CHECK": raw[0], "OPTIONS": dict(raw[1])}
    elif not isinstance(raw, Mapping):
        raw = {"CHECK": raw}
    try:
        return CheckSettings.model_validate(dict(raw))
    except ValidationError as error:
        parts = (f"{_path(detail['loc'])}: {detail['msg']}" for detail in error.errors())
        raise CheckSetupError("; ".join(parts)) from None


def resolved(check: object) -> Callable[..., Any]:
    """
    Return the class or function that a setting names.

    Raises:
        CheckSetupError: there is no such thing, or it is neither.
    """
    if isinstance(check, str):
        path = check
        try:
            check = import_string(path)
        except ImportError as error:
            raise CheckSetupError(f"{path!r} cannot be imported: {error}") from error
        except Exception as error:
            raise CheckSetupError(
                f"{path!r} cannot be imported: it raised {type(error).__name__}"
            ) from error
    if not isinstance(check, type) and isinstance(check, Probe):
        raise CheckSetupError(
            f"{label_of(check)} is one probe, and each run needs a fresh one: name its class, and "
            "give its arguments as OPTIONS"
        )
    if not callable(check):
        raise CheckSetupError(f"a {type(check).__name__} is neither a path, a class nor a function")
    return check


def label_of(raw: object) -> str:
    """Return what to call an entry that has no name yet: no repr, which may hold secrets."""
    if isinstance(raw, str):
        return raw
    if isinstance(raw, Mapping):
        return label_of(raw.get("NAME") or raw.get("CHECK"))
    if isinstance(raw, tuple) and raw:
        return label_of(raw[0])
    return name_of(raw) if callable(raw) else type(raw).__name__


def _copied(value: Any) -> Any:
    try:
        return deepcopy(value)
    # Locks and sockets cannot be copied; who hands over a client means it to be shared.
    except Exception:  # noqa: BLE001  # __deepcopy__ raises what it likes
        return value


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "the entry"
