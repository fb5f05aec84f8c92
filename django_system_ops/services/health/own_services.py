"""Checks of the site's own, by dotted path."""

import inspect
from collections.abc import Iterator
from functools import partial

from django.utils.module_loading import import_string

from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import Finding, State
from django_system_ops.services.health.probes import Probe

__all__ = ["probes"]


def probes(conf: HealthSettings) -> Iterator[Probe]:
    """Yield one for each name of ``health.services``."""
    for name, path in conf.services.items():
        yield Probe(name, name, partial(_ask, path))


def _ask(path: str, _seconds: float) -> Finding:
    # Imported here and not before: an import that hangs is this check's own.
    return _finding(import_string(path)())


def _finding(returned: object) -> Finding:
    """Return what a callable's result means: None is well, a text too, and False is not."""
    if inspect.iscoroutine(returned):
        returned.close()
        return Finding(State.FAIL, "it is async; give a function that waits by itself")
    match returned:
        case Finding():
            found = returned
        case None | True:
            found = Finding(State.OK, "is well")
        case False:
            found = Finding(State.FAIL, "says no")
        case str(sentence):
            found = Finding(State.OK, sentence)
        case (str(state), str(sentence)) if state in set(State):
            found = Finding(State(state), sentence)
        case _:
            kind = type(returned).__name__
            found = Finding(State.FAIL, f"it gave a {kind}, which says nothing")
    return found
