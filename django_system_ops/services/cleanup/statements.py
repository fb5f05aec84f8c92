"""Statements of a batch: how long they take, and when it may be tried again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import Error as DatabaseError
from django.db import IntegrityError, connections, models, transaction
from django.db.models import sql

from django_opskit.conflicts import is_conflict
from django_system_ops.services.cleanup.relations import Model

__all__ = ["LazyDelete", "Stopwatch", "is_lock_timeout", "make_durable", "patiently", "writing"]

_LOCK_STATE, _LOCK_NUMBER = "55P03", 1205

_TRIES = 4

T = TypeVar("T")

# So long is a row waited for that somebody holds; then the batch goes on without it.
_LOCK_SETTING = "SET LOCAL lock_timeout = '1s'"
_LAZY_SETTING = "SET LOCAL synchronous_commit = off"


@dataclass
class Stopwatch:
    """What the slowest statement took, and the commit at the end."""

    longest: float = 0.0

    @contextmanager
    def on(self, using: str) -> Iterator[None]:
        """Measure the statements inside."""

        def measure(execute: Callable[..., Any], *args: Any) -> Any:
            started = time.perf_counter()
            try:
                return execute(*args)
            finally:
                self.longest = max(self.longest, time.perf_counter() - started)

        with connections[using].execute_wrapper(measure):
            yield


@contextmanager
def writing(model: Model, using: str, *, is_lazy: bool = False) -> Iterator[None]:
    """
    Be in a transaction that may write from its first statement on.

    With ``is_lazy`` the commit does not wait for the disk: a crash of the server may bring back
    what went in the moment before, which the next run removes. See :func:`make_durable`.
    """
    connection = connections[using]
    with transaction.atomic(using=using):
        if connection.vendor == "sqlite":
            # A transaction that reads first may not write any more when another has written
            # meanwhile, and SQLite would not wait: so it writes first, nothing.
            table = connection.ops.quote_name(model._meta.db_table)
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {table} WHERE 1 = 0")  # noqa: S608  # quoted
        elif connection.vendor == "postgresql" and is_lazy:
            with connection.cursor() as cursor:
                cursor.execute(_LAZY_SETTING)
        yield


class LazyDelete:
    """
    Removes rows that take nothing along, between two keys, in one transaction.

    Lazily, as in :func:`writing`, and a row that somebody holds raises what
    :func:`is_lock_timeout` knows. On PostgreSQL that is one message to the
    server, where a transaction with its settings would be four. The statement is put together once:
    a thousand batches would spend more time on that than on all else.
    """

    def __init__(self, using: str, window: "Callable[[Any, Any], models.QuerySet[Any]]") -> None:
        self._using = using
        self._window = window
        self._statement = ""
        self._parameters: tuple[Any, ...] = ()

    def __call__(self, after: Any, until: Any) -> int:
        """Return how many rows there were; None is no limit."""
        try:
            statement, parameters = self._compiled(after, until)
        except EmptyResultSet:
            return 0
        connection: Any = connections[self._using]
        if connection.vendor != "postgresql":
            return self._execute(statement, parameters)
        options = connection.settings_dict.get("OPTIONS") or {}
        # Bound by the server, a message holds one statement.
        if connection.in_atomic_block or options.get("server_side_binding"):
            with transaction.atomic(using=self._using):
                with connection.cursor() as cursor:
                    cursor.execute(_LOCK_SETTING)
                return self._execute(statement, parameters)
        # Statements in one message are one transaction (manual, "Simple Query").
        return self._execute(f"{_LOCK_SETTING}; {_LAZY_SETTING}; {statement}", parameters)

    def _execute(self, statement: str, parameters: tuple[Any, ...]) -> int:
        with connections[self._using].cursor() as cursor:
            cursor.execute(statement, parameters)
            # Its own result is the last one, where there are several.
            while connections[self._using].vendor == "postgresql" and cursor.nextset():
                pass
            return int(cursor.rowcount)

    def _compiled(self, after: Any, until: Any) -> tuple[str, tuple[Any, ...]]:
        ends = (after, until)
        if self._statement and all(type(end) is int for end in ends):
            return self._statement, (*self._parameters, *ends)
        query: Any = self._window(after, until).query.clone()
        query.__class__ = sql.DeleteQuery
        statement, parameters = query.get_compiler(self._using).as_sql()
        # The keys come last. If they do not, because Django has put something else there, it is
        # put together anew each time.
        if tuple(parameters[-2:]) == ends and all(type(end) is int for end in ends):
            self._statement, self._parameters = statement, tuple(parameters[:-2])
        return statement, tuple(parameters)


def make_durable(using: str) -> None:
    """Wait until all that was committed lazily is on the disk."""
    connection = connections[using]
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        # A commit that wrote something, if only its own number, takes along all before it.
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute("SELECT txid_current()")


def patiently(using: str, work: Callable[[], T]) -> T:
    """Return what ``work`` returns, a whole transaction; one that met somebody else's is redone."""
    # Inside somebody's transaction a deadlock has ended that as well: nothing to be redone.
    tries = 1 if connections[using].in_atomic_block else _TRIES
    while True:
        tries -= 1
        try:
            return work()
        except DatabaseError as error:
            if not (tries and _may_be_repeated(error)):
                raise


def is_lock_timeout(error: DatabaseError) -> bool:
    """Return whether somebody held a row for too long."""
    state, number = _code(error)
    return state == _LOCK_STATE or number == _LOCK_NUMBER


def _may_be_repeated(error: DatabaseError) -> bool:
    """
    Return whether the same batch may go well in a moment.

    An IntegrityError is a row that came to point at one that was going.
    """
    return isinstance(error, IntegrityError) or is_conflict(error)


def _code(error: DatabaseError) -> tuple[str, int]:
    cause: Any = error.__cause__
    state = str(getattr(cause, "sqlstate", None) or "")
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return state, number
