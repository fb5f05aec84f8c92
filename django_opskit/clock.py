"""
The database server's clock.

Due times and leases are compared with this clock alone: hosts whose clocks differ by minutes
would otherwise run jobs early or take them from each other.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Func
from django.db.models.sql.compiler import SQLCompiler

__all__ = ["LATER_SQL", "NOW_SQL", "ServerTime"]

# The forms in which Django stores datetimes. SQLite keeps milliseconds: its text compares
# rightly with Django's microseconds, since a prefix sorts before the longer string.
_SQLITE_FORMAT = "%%Y-%%m-%%d %%H:%%M:%%f"

#: The server's time by vendor.
NOW_SQL = {
    "postgresql": "STATEMENT_TIMESTAMP()",
    "sqlite": f"STRFTIME('{_SQLITE_FORMAT}', 'now')",
    "mysql": "UTC_TIMESTAMP(6)",
}

#: The server's time plus a number of seconds, the one parameter.
LATER_SQL = {
    "postgresql": "(STATEMENT_TIMESTAMP() + MAKE_INTERVAL(secs => %s))",
    "sqlite": f"STRFTIME('{_SQLITE_FORMAT}', 'now', %s || ' seconds')",
    # DECIMAL, since an INTERVAL given as a float loses microseconds.
    "mysql": "(UTC_TIMESTAMP(6) + INTERVAL CAST(%s AS DECIMAL(20, 6)) SECOND)",
}


class ServerTime(Func):
    """The server's time, ``offset_seconds`` from now (negative: ago), in an ORM statement."""

    output_field = DateTimeField()

    def __init__(self, offset_seconds: float = 0.0, **extra: Any) -> None:
        super().__init__(**extra)
        self.offset_seconds = float(offset_seconds)

    def as_sql(  # type: ignore[override]  # the stubs know of text and int parameters only
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, tuple[float, ...]]:
        """Return the vendor's own expression."""
        if not self.offset_seconds:
            # "%%" stands for "%" only where there are parameters, and an UPDATE has some.
            return NOW_SQL[connection.vendor], ()
        return LATER_SQL[connection.vendor], (self.offset_seconds,)
