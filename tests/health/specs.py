"""Checks for the tests, made from plain functions."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django_health_check_job.engine.naming import slug_of
from django_health_check_job.engine.standing import Thresholds
from django_health_check_job.probes.spec import CheckSpec


@dataclass
class FunctionProbe:
    """A probe that calls a function."""

    name: str
    function: Callable[[], Any]
    is_async: bool = False
    timeout_seconds: float | None = None
    critical: bool = True

    def run(self) -> Any:
        """Call it."""
        return self.function()


def spec(
    function: Callable[[], Any] = lambda: None,
    *,
    name: str = "Check",
    is_async: bool = False,
    timeout_seconds: float = 5.0,
    interval_seconds: float = 1.0,
    critical: bool = True,
    failures: int = 3,
    successes: int = 2,
) -> CheckSpec:
    """Return a check that calls `function`."""
    return CheckSpec(
        name=name,
        slug=slug_of(name),
        critical=critical,
        interval_seconds=interval_seconds,
        timeout_seconds=timeout_seconds,
        thresholds=Thresholds(failures=failures, successes=successes),
        make=lambda: FunctionProbe(name, function, is_async),
    )


def specs(count: int, function: Callable[[], Any], **options: Any) -> list[CheckSpec]:
    """Return many checks that call one function."""
    numbers = itertools.count(1)
    return [spec(function, name=f"Check {next(numbers)}", **options) for _ in range(count)]
