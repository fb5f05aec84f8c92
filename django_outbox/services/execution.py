"""Running one handler, isolated from the next."""

import logging
import os
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass

from django.db import connections, transaction

from django_outbox.models import OutboxJob
from django_outbox.services.registry import registry

__all__ = [
    "Result",
    "drop_dead_connections",
    "error_text",
    "execute",
    "leave_connections_clean",
]

logger = logging.getLogger(__name__)

# The end of a traceback says most; a column of unbounded text would slow the whole table.
_ERROR_CHARACTERS = 8_000


@dataclass(frozen=True)
class Result:
    """How one attempt ended: ``error`` is None when the handler returned."""

    job: OutboxJob
    seconds: float
    error: BaseException | None = None


def execute(job: OutboxJob, *, using: str) -> Result:
    """
    Run the handler of ``job`` and return how it ended; never raises.

    Inside a transaction (a test's, say) the handler gets a savepoint, so that its database
    errors do not spoil what is around it.
    """
    started = time.perf_counter()
    error: BaseException | None = None
    try:
        if connections[using].in_atomic_block:
            with transaction.atomic(using=using):
                _call_handler(job)
        else:
            _call_handler(job)
    # A handler may raise SystemExit, CancelledError or KeyboardInterrupt as well. None of them
    # may end the worker: the job would stay held by a thread that is no more. run_once()
    # raises KeyboardInterrupt again once the job is settled.
    except BaseException as raised:
        error = raised
        # Neither may an error that cannot be shown, or a site's log handler that fails.
        with suppress(Exception):
            logger.warning(
                "failed job_id=%s job_type=%s attempt=%s/%s",
                job.pk,
                job.job_type,
                job.attempts,
                job.max_attempts,
                exc_info=raised,
            )
    return Result(job=job, seconds=time.perf_counter() - started, error=error)


def _call_handler(job: OutboxJob) -> None:
    function = registry.get(job.job_type).function
    # A copy: a handler may delete its job or read it anew, and then the object names no row or
    # another worker's claim. Not copy.copy(), which takes the way of pickle, for ten times as long.
    own = OutboxJob.__new__(OutboxJob)
    own.__dict__.update(job.__dict__)
    process = os.getpid()
    try:
        function(own)
    except BaseException as error:
        _leave_if_forked(process, getattr(error, "code", 1))
        raise
    _leave_if_forked(process, 0)


def _leave_if_forked(process: int, code: object) -> None:
    # The child of a handler that forks has copies of the waiting jobs, and our connections.
    if os.getpid() != process:
        os._exit(code if isinstance(code, int) else int(code is not None))


def error_text(error: BaseException, *, encoding: str = "utf-8") -> str:
    """Return the traceback of ``error``, its last 8,000 characters, fit for every database."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception as refusal:  # noqa: BLE001  # some errors defeat Python's own formatting
        text = f"{type(error).__qualname__} (its traceback cannot be shown: {refusal!r})"
    # A lone surrogate cannot be stored as UTF-8.
    text = text.replace("\x00", "\\x00").encode(encoding, "backslashreplace").decode(encoding)
    return text if len(text) <= _ERROR_CHARACTERS else f"…{text[-_ERROR_CHARACTERS:]}"


def leave_connections_clean() -> None:
    """
    Close this thread's connections that a handler left in a state the next one must not meet.

    Healthy ones stay open: one connection per job, as ``CONN_MAX_AGE = 0`` would have it, costs
    more than most jobs.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        connection.queries_log.clear()  # with DEBUG on, Django keeps every statement
        try:
            left_open = connection.in_atomic_block or not connection.get_autocommit()
            if left_open or (connection.errors_occurred and not connection.is_usable()):
                _forget(connection.alias)
            else:
                connection.errors_occurred = False
        except Exception:  # noqa: BLE001  # whatever the handler did to it
            _forget(connection.alias)


def drop_dead_connections() -> None:
    """
    Close this thread's connections that died while it had nothing to do.

    A server that was restarted, or that ends idle sessions, does not say so: the next handler
    would find out, and pay for it with an attempt.
    """
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None and not connection.is_usable():
            _forget(connection.alias)


def _forget(alias: str) -> None:
    # close() leaves a wrapper inside atomic() in there; a new one starts afresh.
    connection = connections[alias]
    del connections[alias]
    try:
        connection.close()
    except Exception:
        logger.debug("database=%s a broken connection did not close", alias, exc_info=True)
