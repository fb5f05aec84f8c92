"""Running one handler, isolated from the next."""

import logging
import time
import traceback
from dataclasses import dataclass

from django.db import DatabaseError, connections, transaction

from django_outbox.models import OutboxJob
from django_outbox.services.registry import registry

__all__ = ["Result", "error_text", "execute", "leave_connections_clean"]

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
        function = registry.get(job.job_type)
        if connections[using].in_atomic_block:
            with transaction.atomic(using=using):
                function(job)
        else:
            function(job)
    # A handler may raise SystemExit, CancelledError or KeyboardInterrupt as well. None of them
    # may end the worker: the job would stay held by a thread that is no more. run_once()
    # raises KeyboardInterrupt again once the job is settled.
    except BaseException as raised:
        error = raised
        logger.warning(
            "failed job_id=%s job_type=%s attempt=%s/%s",
            job.pk,
            job.job_type,
            job.attempts,
            job.max_attempts,
            exc_info=raised,
        )
    return Result(job=job, seconds=time.perf_counter() - started, error=error)


def error_text(error: BaseException) -> str:
    """Return the traceback of ``error``, its last 8,000 characters, fit for every database."""
    text = "".join(traceback.format_exception(error)).replace("\x00", "\\x00")
    # A lone surrogate cannot be stored as UTF-8.
    text = text.encode(errors="backslashreplace").decode()
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
        try:
            left_open = connection.in_atomic_block or not connection.get_autocommit()
            if left_open or (connection.errors_occurred and not connection.is_usable()):
                _forget(connection.alias)
            else:
                connection.errors_occurred = False
        except DatabaseError:
            _forget(connection.alias)


def _forget(alias: str) -> None:
    # A wrapper left inside atomic() refuses to close; a new one starts afresh.
    connection = connections[alias]
    raw, connection.connection = connection.connection, None
    del connections[alias]
    try:
        raw.close()
    except Exception:
        logger.debug("database=%s a broken connection did not close", alias, exc_info=True)
