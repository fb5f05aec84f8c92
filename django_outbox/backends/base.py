"""What a store does, and the values that it is given."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper

from django_outbox.models import OutboxJob

__all__ = ["NewJob", "Store", "insert_parameters"]


@dataclass(frozen=True)
class NewJob:
    """
    A checked job on its way into the table.

    Attributes:
        payload: any JSON value, already known to be one.
        run_after: an aware moment, or None: then ``delay_seconds`` from the server's now.
    """

    job_type: str
    dedup_key: str | None
    payload: Any
    queue: str
    priority: int
    max_attempts: int
    run_after: datetime | None
    delay_seconds: float


def insert_parameters(new: NewJob, connection: BaseDatabaseWrapper) -> tuple[Any, ...]:
    """Return the values of ``new`` in the order in which every store's INSERT names them."""
    payload = OutboxJob._meta.get_field("payload")
    moment = OutboxJob._meta.get_field("run_after")
    return (
        new.queue,
        new.job_type,
        new.dedup_key,
        payload.get_db_prep_save(new.payload, connection),
        new.priority,
        moment.get_db_prep_save(new.run_after, connection),
        new.delay_seconds,
        new.max_attempts,
    )


class Store(Protocol):
    """One database's way to store and to claim."""

    def insert(self, new: NewJob, *, replace: bool) -> OutboxJob:
        """
        Store ``new``, or return the pending job with its type and key.

        The pending job is locked until the caller's transaction ends, so that no worker takes
        it before what the caller has written can be seen. With ``replace`` it is overwritten.
        """
        ...

    def claim(
        self, *, queue: str, limit: int, worker: str, lease_seconds: float
    ) -> list[OutboxJob]:
        """Take up to ``limit`` due jobs of ``queue`` for ``worker``, in the order to run them."""
        ...
