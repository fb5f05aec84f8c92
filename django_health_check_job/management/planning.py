"""Which checks a command runs."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from django_health_check_job.conf import get_conf, get_published
from django_health_check_job.probes.discovery import discover
from django_health_check_job.probes.spec import CheckSpec
from django_opskit.commands import UsageError

__all__ = ["interval", "planned"]

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.1, 86_400.0


def interval(text: str) -> float:
    """Return the value of ``--interval``; argparse shows the sentence when it is wrong."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of seconds from {_SHORTEST_SECONDS:g} to "
            f"{_LONGEST_SECONDS:g}"
        )
    return seconds


def planned(
    names: Sequence[str], *, interval: float | None, say: Callable[[str], Any]
) -> list[CheckSpec]:
    """
    Return the checks of this site, or those that are named.

    Raises:
        UsageError: no check has such a name.
        ImproperlyConfigured: the settings are wrong.
    """
    discovery = discover(get_conf(), get_published())
    for problem in discovery.problems:
        say(f"{problem.message} {problem.hint}".strip())
    specs = discovery.specs
    known = {key: spec for spec in specs for key in (spec.slug, spec.name)}
    if missing := [name for name in names if name not in known]:
        raise UsageError(
            f"No check is called {missing[0]!r}. There are: "
            f"{', '.join(spec.name for spec in specs) or 'none'}."
        )
    if names:
        wanted = {known[name].name for name in names}
        specs = [spec for spec in specs if spec.name in wanted]
    if interval is not None:
        specs = [replace(spec, interval_seconds=interval) for spec in specs]
    return specs
