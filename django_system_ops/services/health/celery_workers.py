"""Celery: its broker can be reached, and workers answer."""

import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

from django.utils.module_loading import import_string

from django_system_ops.conf.health import HealthSettings
from django_system_ops.engine.findings import Finding, State
from django_system_ops.services.health.probes import Probe, reason

__all__ = ["celery_app", "probes"]

# Of the time that there is, so that "no worker answers" is said before the time is over: kombu
# may wait a second longer than it is told.
# Twice this, since the wait for the next reply begins anew with each.
_SHARE_FOR_REPLIES = 0.4


def probes(conf: HealthSettings) -> Iterator[Probe]:
    """Yield the one that asks the workers."""
    path, workers = conf.celery_app, conf.celery_workers
    if not path:
        yield Probe.skipped("celery", "health.celery_app is not set")
    elif find_spec("celery") is None:
        missing = 'its library is missing: pip install "django-opskit[celery]"'
        yield Probe("celery", "celery", lambda _seconds: Finding(State.FAIL, missing))
    else:
        yield Probe("celery", "celery", partial(_ask, path, workers))


def celery_app(path: str) -> Any:
    """
    Return the Celery app at a dotted path; ``config.celery:app`` is understood too.

    Raises:
        ImportError: there is none.
    """
    app = import_string(path.replace(":", "."))
    if not hasattr(app, "control"):
        raise ImportError(f"{path!r} is no Celery app, but a {type(app).__name__}.")
    return app


def _ask(path: str, workers: int, seconds: float) -> Finding:
    begun = time.monotonic()
    app = celery_app(path)
    # A connection of its own: one of the app's pool would wait for a place there, and a broker
    # that is away is retried for as long as the app's settings say.
    with app.connection_for_write(connect_timeout=seconds) as connection:
        try:
            # No second try: connect() would make one, two seconds later.
            connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
            # With Redis it is the channel that speaks to the server first.
            connection.channel().close()
        except (OSError, *connection.connection_errors) as error:
            return Finding(State.FAIL, f"its broker cannot be reached: {reason(error)}")
        left = seconds * _SHARE_FOR_REPLIES - (time.monotonic() - begun)
        if left <= 0:
            return Finding(State.FAIL, "its broker took so long that there is no time to ask")
        replies = app.control.broadcast(
            "ping", reply=True, timeout=left, limit=workers, connection=connection
        )
    names = tuple(sorted({name for reply in replies or () for name in reply}))
    if not names:
        return Finding(State.FAIL, "its broker answers, and no worker does")
    if len(names) < workers:
        return Finding(State.WARN, f"{len(names)} of {workers} workers answer", names)
    return Finding(State.OK, f"{len(names)} of {workers} workers answer", names)
