"""A database that does not answer: how long to wait for it, and when not to."""

import logging
import random

from django.db import DatabaseError, InterfaceError, connections

from django_opskit.conflicts import is_conflict
from django_outbox.exceptions import SetupError
from django_outbox.models import OutboxJob

__all__ = ["outage_wait"]

logger = logging.getLogger(__name__)

_LONGEST_WAIT_SECONDS = 15.0


def outage_wait(error: Exception, nth: int, *, worker: str, using: str) -> float:
    """
    Log the outage, drop the connection and return how long to wait, in seconds.

    A conflict with another transaction is none: that one is over in a moment.

    ``nth`` counts the failures in a row, this one included.

    Raises:
        SetupError: the database answers, and has no table for jobs.
    """
    if is_conflict(error):
        logger.info("worker=%s database=%s conflict=%s", worker, using, nth)
        return random.uniform(0.005, 0.05) * nth  # noqa: S311
    if _table_is_missing(using):
        raise SetupError(
            f"Table {OutboxJob._meta.db_table!r} is missing in database {using!r}: run "
            "'manage.py migrate' first."
        ) from error
    wait_s: float = min(_LONGEST_WAIT_SECONDS, 0.1 * 2 ** min(nth, 10))
    wait_s *= random.uniform(0.5, 1.0)  # noqa: S311
    logger.warning(
        "worker=%s database=%s outage=%s next look in %.1f s: %s",
        worker,
        using,
        nth,
        wait_s,
        error,
    )
    connections[using].close()
    return wait_s


def _table_is_missing(using: str) -> bool:
    connection = connections[using]
    try:
        return OutboxJob._meta.db_table not in connection.introspection.table_names()
    except (DatabaseError, InterfaceError):
        return False  # it does not answer at all, and that passes
