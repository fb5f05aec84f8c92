"""Running jobs at the moment at which a worker could first see them."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.db import connections, router, transaction

from django_outbox.backends import NewJob, Store, store_for
from django_outbox.models import OutboxJob
from django_outbox.services import enqueueing
from django_outbox.testing.draining import drain

__all__ = ["run_inline"]


@contextmanager
def run_inline(
    *,
    queues: Sequence[str] | None = None,
    include_later: bool = False,
    raise_errors: bool = True,
    using: str | None = None,
) -> Iterator[None]:
    """
    Run jobs that are enqueued in the block as soon as they are committed.

    That is at the end of the outermost ``atomic`` that was begun in the block, or inside
    ``enqueue`` where there is none. A transaction around the block, such as that of a
    ``TestCase``, does not count. Rolled back, a job never runs. What is still due when the block
    ends, runs then. Jobs run in a worker's order, and those that are due already run with them.

    Only this thread's connection is watched: it sees nothing of what a live server enqueues.

    Args:
        queues: the queues to look at; all of ``OUTBOX["QUEUES"]`` by default.
        include_later: run jobs that are scheduled for later at once, retries too.
        raise_errors: raise :class:`JobFailed` out of the ``atomic``, or the ``enqueue``, after
            which the job was run.
        using: the database; by default where the router writes :class:`OutboxJob`.
    """
    alias = using or router.db_for_write(OutboxJob)

    def run() -> None:
        drain(queues=queues, include_later=include_later, raise_errors=raise_errors, using=alias)

    watch = _Watch(alias, run)
    with connections[alias].execute_wrapper(watch.after_statement), _stores_tell(watch):
        yield
        watch.run_if_new()


class _Watch:
    """Knows whether something was enqueued, and when a transaction of the block has ended."""

    def __init__(self, alias: str, run: Callable[[], None]) -> None:
        connection = connections[alias]
        self.alias = alias
        self._run = run
        self._thread = threading.get_ident()
        self._is_inside = connection.in_atomic_block
        self._depth = len(connection.savepoint_ids)
        self._has_new = False
        self._is_running = False

    def enqueued(self, alias: str) -> None:
        """Note a new job; run it where no transaction of the block is open."""
        if alias != self.alias or threading.get_ident() != self._thread or self._is_running:
            return
        self._has_new = True
        if not self._is_inside:
            # At once, when there is no transaction.
            transaction.on_commit(self.run_if_new, using=alias)
        elif self._is_outermost():
            self.run_if_new()

    def after_statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Run what is new when the savepoint has gone that began in the block."""
        outcome = execute(sql, params, many, context)
        # Within a test's transaction this is the commit of the code that is tested.
        if self._is_inside and sql.startswith("RELEASE SAVEPOINT") and self._is_outermost():
            self.run_if_new()
        return outcome

    def run_if_new(self) -> None:
        """Run what is due if something was enqueued, and not from within such a run."""
        if not self._has_new or self._is_running:
            return
        self._has_new, self._is_running = False, True
        try:
            self._run()
        finally:
            self._is_running = False

    def _is_outermost(self) -> bool:
        return len(connections[self.alias].savepoint_ids) == self._depth


class _TellingStore:
    """A store that tells when it has stored something."""

    def __init__(self, store: Store, tell: Callable[[], None]) -> None:
        self._store = store
        self._tell = tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def insert(self, new: NewJob, **options: Any) -> OutboxJob:
        """Store one job and tell."""
        job = self._store.insert(new, **options)
        self._tell()
        return job

    def insert_many(self, jobs: Sequence[NewJob]) -> int:
        """Store many jobs and tell."""
        count = self._store.insert_many(jobs)
        self._tell()
        return count


@contextmanager
def _stores_tell(watch: _Watch) -> Iterator[None]:
    def telling(alias: str) -> _TellingStore:
        return _TellingStore(store_for(alias), lambda: watch.enqueued(alias))

    # Every way to enqueue asks this name for its store, in whatever module it is called.
    with mock.patch.object(enqueueing, "store_for", telling):
        yield
