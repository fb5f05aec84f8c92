"""The database server's time, as a Python value."""

from datetime import UTC, datetime

from django.db import connections

from django_opskit.clock import NOW_SQL

__all__ = ["server_now"]


def server_now(using: str) -> datetime:
    """Return what the clock of the database ``using`` says, aware, in UTC."""
    connection = connections[using]
    with connection.cursor() as cursor:
        # With parameters, if only none: "%%" stands for "%" then.
        cursor.execute(f"SELECT {NOW_SQL[connection.vendor]}", ())  # our own text
        (now,) = cursor.fetchone()
    moment = datetime.fromisoformat(now) if isinstance(now, str) else now
    # SQLite and MariaDB answer without a zone, and were asked for UTC.
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
