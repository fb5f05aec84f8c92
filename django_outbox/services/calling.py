"""Calling a handler in the way that its registration asks for."""

import asyncio
import inspect
import logging
import os
from contextlib import suppress
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction

from django_outbox.conf import get_conf
from django_outbox.exceptions import EnqueueError, HandlerResultError, HandlerTimeoutError
from django_outbox.models import OutboxJob
from django_outbox.services.completion import complete
from django_outbox.services.context import JobContext, lease_lost
from django_outbox.services.payload import checked_payload, load_payload
from django_outbox.services.registry import Registration

__all__ = ["await_handler", "call_here", "too_slow"]

logger = logging.getLogger(__name__)


def call_here(registration: Registration, context: JobContext) -> Any:
    """
    Run the handler on this thread; return what is to be kept of what it returned.

    Inside a transaction (a test's, say) it gets a savepoint, so that its database errors do not
    spoil what is around it.
    """
    if registration.atomic:
        return _call_and_complete(registration, context)
    if context.connection.in_atomic_block:
        with transaction.atomic(using=context.using):
            return _call(registration, context)
    return _call(registration, context)


def _call(registration: Registration, context: JobContext) -> Any:
    if registration.is_async:
        value, error = async_to_sync(await_handler)(registration, context)
        if error is not None:
            raise error
        return value
    process = os.getpid()
    try:
        value = registration.function(*_arguments(registration, context))
    except BaseException as error:
        _leave_if_forked(process, getattr(error, "code", 1))
        raise
    _leave_if_forked(process, 0)
    return None if value is None else _kept(registration, value)


async def await_handler(
    registration: Registration, context: JobContext
) -> tuple[Any, BaseException | None]:
    """
    Await an async handler; return what is to be kept, and what it raised.

    Nothing is raised from here: an event loop would not survive SystemExit.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    process = os.getpid()
    # A process handler is killed in time, and by others.
    limit_s = None if registration.process else registration.timeout_seconds
    limit = asyncio.timeout(limit_s)
    try:
        if task is not None:
            context.ends_with(lambda: loop.call_soon_threadsafe(task.cancel))
        async with limit:
            value = await registration.function(*_arguments(registration, context))
        _leave_if_forked(process, 0)
        return (None if value is None else _kept(registration, value)), None
    except BaseException as error:  # noqa: BLE001  # the caller raises it, on its own thread
        _leave_if_forked(process, getattr(error, "code", 1))
        if isinstance(error, TimeoutError) and limit.expired() and limit_s is not None:
            return None, too_slow(limit_s)
        return None, error
    finally:
        context.ends_with(None)


def too_slow(limit_seconds: float) -> HandlerTimeoutError:
    """Return the error of a handler that was ended."""
    return HandlerTimeoutError(
        f"The handler ran longer than its timeout_seconds ({limit_seconds:g}) and was ended."
    )


def _arguments(registration: Registration, context: JobContext) -> tuple[Any, ...]:
    # A copy: a handler may delete its job or read it anew, and then the object names no row or
    # another worker's claim. Not copy.copy(), which takes the way of pickle, for ten times as long.
    own = context.own = OutboxJob.__new__(OutboxJob)
    own.__dict__.update(context.job.__dict__)
    if registration.payload is None:
        return (own,)
    return own, load_payload(registration, own)


def _kept(registration: Registration, value: Any) -> Any:
    if inspect.iscoroutine(value):
        value.close()
        raise TypeError(
            f"The handler of job type {registration.job_type!r} returned a coroutine, which "
            "nobody has awaited: what it was to do is not done. Make the handler async."
        )
    if not registration.keep_result:
        return None
    try:
        return checked_payload(
            value,
            job_type=registration.job_type,
            max_bytes=get_conf().MAX_PAYLOAD_BYTES,
            what="result",
        )
    except EnqueueError as error:
        raise HandlerResultError(str(error)) from error


def _call_and_complete(registration: Registration, context: JobContext) -> Any:
    connection = context.connection
    is_outermost = not connection.in_atomic_block
    try:
        with transaction.atomic(using=context.using):
            if is_outermost:
                # The first of the callbacks: what a later one raises undoes nothing.
                transaction.on_commit(context.settle, using=context.using)
            # SQLite gives up at once, without waiting, when a transaction that has read before
            # it writes is not alone. This write changes nothing, and waits for its turn.
            if connection.vendor == "sqlite" and not context.held().update(
                worker=context.job.worker
            ):
                raise lease_lost(context.job)
            value = _call(registration, context)
            key = (context.job.pk, context.job.claim_no)
            values = {} if value is None else {key: value}
            if not complete([context.job], values, using=context.using):
                raise lease_lost(context.job)
    except Exception:
        if not context.is_settled:
            raise
        with suppress(Exception):
            logger.exception("job_id=%s is done, but a callback on its commit failed", context.job)
    context.settle()
    return None


def _leave_if_forked(process: int, code: object) -> None:
    # The child of a handler that forks has copies of the waiting jobs, and our connections.
    if os.getpid() != process:
        os._exit(code if isinstance(code, int) else int(code is not None))
