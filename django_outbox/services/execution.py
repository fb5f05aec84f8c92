"""Running one attempt, isolated from the next."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from django_outbox.exceptions import LeaseLost, Snooze
from django_outbox.models import OutboxJob
from django_outbox.services.attempts import Result, error_text
from django_outbox.services.calling import call_here
from django_outbox.services.context import JobContext, current, lease_lost, refuse_when_lost
from django_outbox.services.registry import Registration, registry

__all__ = [
    "Call",
    "Result",
    "attempt",
    "drop_dead_connections",
    "error_text",
    "execute",
    "execute_here",
    "leave_connections_clean",
    "log_outcome",
]

logger = logging.getLogger(__name__)

#: Runs a handler in some way and returns what is to be kept of what it returned.
Call = Callable[[Registration, JobContext], Any]


def execute(job: OutboxJob, *, using: str) -> Result:
    """Run the handler of ``job`` on this thread, log and return how it ended; never raises."""
    return execute_here(JobContext(job, using))


def execute_here(context: JobContext) -> Result:
    """Do as :func:`execute`, where somebody else holds the context, to lose it."""
    result = attempt(context, call=call_here)
    log_outcome(result)
    return result


def attempt(context: JobContext, *, call: Call) -> Result:
    """
    Let ``call`` run the handler of a job and return how it ended; never raises.

    A handler may raise SystemExit, CancelledError or KeyboardInterrupt as well. None of them may
    end the worker: the job would stay held by a thread that is no more. ``run_once`` raises
    KeyboardInterrupt again once the job is settled.
    """
    started = time.perf_counter()
    result = Result(context.job, 0.0)
    before = current.set(context)
    # Looked up once: that costs as much as anything here.
    context.connection = connections[context.using]
    guards = context.connection.execute_wrappers
    guards.append(refuse_when_lost)
    try:
        context.ensure()
        result.value = call(registry.get(context.job.job_type), context)
    except BaseException as raised:  # noqa: BLE001  # see above
        result.error = _outcome(raised, context)
    finally:
        current.reset(before)
        if refuse_when_lost in guards:  # the handler may have taken it out
            guards.remove(refuse_when_lost)
    result.is_settled = context.is_settled
    result.seconds = time.perf_counter() - started
    return result


def _outcome(raised: BaseException, context: JobContext) -> BaseException:
    """Return what counts as the attempt's end: what it raised, or the loss that caused it."""
    if not context.is_lost or isinstance(raised, LeaseLost):
        return raised
    lost = lease_lost(context.job)
    lost.__cause__ = raised
    return lost


def log_outcome(result: Result) -> None:
    """Log an attempt that did not succeed."""
    job = result.job
    if result.error is None:
        return
    level = logging.DEBUG if isinstance(result.error, Snooze) else logging.WARNING
    # An error that cannot be shown, or a site's log handler that fails, must not end the worker.
    with suppress(Exception):
        logger.log(
            level,
            "failed job_id=%s job_type=%s attempt=%s/%s",
            job.pk,
            job.job_type,
            job.attempts,
            job.max_attempts,
            exc_info=result.error,
        )


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
            left_open = (
                connection.in_atomic_block
                or not connection.get_autocommit()
                or _is_misused(connection)
            )
            if left_open or (connection.errors_occurred and not connection.is_usable()):
                _forget(connection.alias)
            else:
                connection.errors_occurred = False
        except Exception:  # noqa: BLE001  # whatever the handler did to it
            _forget(connection.alias)


def _is_misused(connection: BaseDatabaseWrapper) -> bool:
    """
    Say whether the driver's connection was closed, or is in a transaction, behind Django's back.

    The next handler would pay for the one, and the job's own report would wait for the other.
    Without a question to the server; MariaDB's driver knows nothing of transactions.
    """
    driver: Any = connection.connection
    match connection.vendor:
        case "postgresql":
            # 0 is idle, in libpq and in both drivers. psycopg's own object is the quicker one.
            return bool((getattr(driver, "pgconn", None) or driver.info).transaction_status)
        case "sqlite":
            return bool(driver.in_transaction)  # raises when it is closed
        case "mysql":
            return not driver.open
    return False


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
