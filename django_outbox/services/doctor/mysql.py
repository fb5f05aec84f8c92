"""MariaDB and MySQL: transactions that keep old versions of rows."""

from django.db import DatabaseError, connections

from django_outbox.services.doctor.finding import Finding

__all__ = ["check_server"]

_TRANSACTIONS = """
SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_started, NOW()), trx_rows_locked
FROM information_schema.innodb_trx
WHERE trx_mysql_thread_id <> CONNECTION_ID() AND trx_mysql_thread_id <> 0
  AND trx_started < NOW() - INTERVAL CAST(%s AS DECIMAL(20, 6)) SECOND
ORDER BY trx_started LIMIT 5
"""


def check_server(using: str, old_seconds: float) -> list[Finding]:
    """Look for old transactions; they count for the whole server, whatever database they are in."""
    try:
        with connections[using].cursor() as cursor:
            cursor.execute(_TRANSACTIONS, [old_seconds])
            rows = cursor.fetchall()
    except DatabaseError as error:
        return [
            Finding(
                "transaction",
                f"Open transactions cannot be seen ({error}): GRANT PROCESS ON *.* to the user "
                "of this database, or look into information_schema.innodb_trx as another one.",
            )
        ]
    return [
        Finding(
            "transaction",
            f"A transaction is open for {age_s} s (thread {thread}, {locked} rows locked): until "
            f"it ends old versions of rows stay, and claims grow slower. End it, or KILL {thread}.",
        )
        for thread, age_s, locked in rows
    ]
