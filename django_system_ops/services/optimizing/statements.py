"""Statements, and what came of them."""

import time
from collections.abc import Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections

from django_system_ops.services.optimizing.findings import Done, Step

__all__ = ["Server", "size"]

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


class Server:
    """One of the site's databases, asked in its own words."""

    def __init__(self, using: str) -> None:
        self.connection: Any = connections[using]

    def quoted(self, name: str) -> str:
        """Return a name as it stands in a statement."""
        return str(self.connection.ops.quote_name(name))

    def rows(self, sql: str, *parameters: Any) -> list[Any]:
        """Return what a query finds."""
        with self.connection.cursor() as cursor:
            # Without parameters a percent sign is one.
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []

    def value(self, sql: str, *parameters: Any) -> Any:
        """Return the one value that a query finds; None when it finds none."""
        found = self.rows(sql, *parameters)
        return found[0][0] if found else None

    def names(self, names: Sequence[str]) -> str:
        """Return placeholders for a list of names, for IN."""
        return ", ".join(["%s"] * len(names))

    def done(self, step: Step) -> Done:
        """Run the statement of a step, and return what came of it."""
        started = time.monotonic()
        error = ""
        try:
            error = self.complaint(self.rows(step.sql))
        except DatabaseError as failure:
            error = " ".join(str(failure).split())
        return Done(step, time.monotonic() - started, error)

    def complaint(self, rows: Sequence[Any]) -> str:
        """Return what is wrong by the rows that a statement has answered with."""
        return ""


def size(number: int | float) -> str:
    """Return a number of bytes as people read it."""
    value = float(number)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}"
