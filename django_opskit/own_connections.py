"""Connections that are nobody else's: for locks, LISTEN, and what a rollback must not undo."""

import os
import weakref
from contextlib import suppress
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["close_own", "descriptors_of", "own_connection", "own_connections"]

_OWN: "weakref.WeakSet[BaseDatabaseWrapper]" = weakref.WeakSet()


def own_connection(using: str) -> BaseDatabaseWrapper:
    """
    Return a connection of the caller's own, outside Django's pool, not open yet.

    A lock and a LISTEN belong to a session, and that has to be idle: a server that is busy with
    a statement does not see that its client has died (19 s were measured on PostgreSQL). A child
    that is forked loses it: else the lock would live for as long as the child does.
    """
    connection = connections[using].copy()
    options = dict(connection.settings_dict.get("OPTIONS") or {})
    options.pop("pool", None)
    connection.settings_dict["OPTIONS"] = options
    _OWN.add(connection)
    return connection


def own_connections(using: str) -> list[BaseDatabaseWrapper]:
    """Return those to the database ``using`` that this process has open now, in any thread."""
    return [one for one in _OWN if one.alias == using and one.connection is not None]


def close_own(connection: BaseDatabaseWrapper) -> None:
    """Hang up, in memory too; never fails."""
    with suppress(Exception):
        driver: Any = connection.connection
        connection.close()
        if driver is not None and connection.vendor == "sqlite":
            driver.close()  # Django keeps those of a database in memory open


def descriptors_of(connection: BaseDatabaseWrapper | None) -> list[int]:
    """Return the open socket of a connection to a server."""
    raw: Any = connection.connection if connection is not None else None
    if raw is None or not hasattr(raw, "fileno"):  # SQLite has no socket
        return []
    # mysqlclient says "open", psycopg "closed".
    is_open = raw.open if hasattr(raw, "open") else not raw.closed
    return [raw.fileno()] if is_open else []


def _let_go() -> None:
    # The bare descriptors: a word of farewell to the server would end the parent's session.
    for connection in list(_OWN):
        with suppress(Exception):
            for descriptor in descriptors_of(connection):
                os.close(descriptor)


os.register_at_fork(after_in_child=_let_go)
