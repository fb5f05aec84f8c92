"""
The raw limit: statements by hand on Django's cursor, with the guarantees of the outbox.

A claim counts an attempt, takes a lease and a new claim number; a report is fenced by both; each
is a transaction of its own, durable as the database is set up. There is no retry, no heartbeat,
no thread and no signal: what the outbox adds has its price, and this shows it.

Option: ``batch``.
"""

import json
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from django.db import connection, transaction

from benchmarks.programs import django_site, rows
from benchmarks.programs.protocol import OPTIONS, Program, main, note

BATCH: int = OPTIONS.get("batch", 50)
WORKER = "raw"

POSTGRESQL_CLAIM = """
    UPDATE outbox_job SET
        status = 'IN_PROGRESS', attempts = attempts + 1, claim_no = claim_no + 1, worker = %s,
        started_at = STATEMENT_TIMESTAMP(),
        lease_until = STATEMENT_TIMESTAMP() + INTERVAL '60 seconds'
    WHERE id = ANY(ARRAY(
        SELECT id FROM outbox_job
        WHERE status = 'PENDING' AND queue = 'default' AND group_key = ''
        AND run_after <= STATEMENT_TIMESTAMP()
        ORDER BY priority DESC, run_after, id LIMIT %s FOR UPDATE SKIP LOCKED
    ))
    RETURNING id, claim_no, job_type, attempts, max_attempts, payload
"""

POSTGRESQL_ACK = """
    UPDATE outbox_job SET
        status = 'COMPLETED', finished_at = STATEMENT_TIMESTAMP(), lease_until = NULL
    FROM UNNEST(%s::bigint[], %s::bigint[]) AS mine (id, claim_no)
    WHERE outbox_job.id = mine.id AND outbox_job.claim_no = mine.claim_no
    AND worker = %s AND lease_until IS NOT NULL
"""

SQLITE_CLAIM = """
    UPDATE outbox_job SET
        status = 'IN_PROGRESS', attempts = attempts + 1, claim_no = claim_no + 1, worker = %s,
        started_at = STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'now'),
        lease_until = STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '60 seconds')
    WHERE id IN (
        SELECT id FROM outbox_job
        WHERE status = 'PENDING' AND queue = 'default' AND group_key = ''
        AND run_after <= STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
        ORDER BY priority DESC, run_after, id LIMIT %s
    )
    RETURNING id, claim_no, job_type, attempts, max_attempts, payload
"""

MYSQL_LOCK = """
    SELECT id, claim_no + 1, job_type, attempts + 1, max_attempts, payload FROM outbox_job
    WHERE status = 'PENDING' AND queue = 'default' AND group_key = '' AND priority = 0
    AND run_after <= UTC_TIMESTAMP(6)
    ORDER BY run_after, id LIMIT %s FOR UPDATE SKIP LOCKED
"""

MYSQL_TAKE = """
    UPDATE outbox_job SET
        status = 'IN_PROGRESS', attempts = attempts + 1, claim_no = claim_no + 1, worker = %s,
        started_at = UTC_TIMESTAMP(6), lease_until = UTC_TIMESTAMP(6) + INTERVAL 60 SECOND
    WHERE id IN ({ids})
"""

# Most jobs have the claim number 1, so the batch has one number, or few.
ACK = """
    UPDATE outbox_job SET status = 'COMPLETED', finished_at = {now}, lease_until = NULL
    WHERE id IN ({ids}) AND claim_no = %s AND worker = %s AND lease_until IS NOT NULL
"""

Row = tuple[int, int, str, int, int, str]


def claim_returning(statement: str) -> list[Row]:
    """Take jobs in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, (WORKER, BATCH))
        return list(cursor.fetchall())


def claim_mysql() -> list[Row]:
    """Take jobs in a short transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(MYSQL_LOCK, (BATCH,))
        claimed = list(cursor.fetchall())
        if claimed:
            ids = ", ".join(["%s"] * len(claimed))
            cursor.execute(MYSQL_TAKE.format(ids=ids), (WORKER, *(row[0] for row in claimed)))
    return claimed


def ack_postgresql(claimed: list[Row]) -> None:
    """Report jobs as done, fenced one by one in one statement."""
    parameters = ([row[0] for row in claimed], [row[1] for row in claimed], WORKER)
    with connection.cursor() as cursor:
        cursor.execute(POSTGRESQL_ACK, parameters)


def ack_by_number(claimed: list[Row], now: str) -> None:
    """Report jobs as done, one statement for each claim number."""
    with transaction.atomic(), connection.cursor() as cursor:
        for number in {row[1] for row in claimed}:
            ids = [row[0] for row in claimed if row[1] == number]
            statement = ACK.format(now=now, ids=", ".join(["%s"] * len(ids)))
            cursor.execute(statement, (*ids, number, WORKER))


def loop(claim: Callable[[], list[Row]], ack: Callable[[list[Row]], None]) -> None:
    """Claim, run, report, for ever."""
    handlers: dict[str, Callable[[dict[str, Any]], None]] = {"BENCH": lambda job: note(job["n"])}
    while True:
        claimed = claim()
        if not claimed:
            time.sleep(0.005)
            continue
        for _, _, job_type, _, _, payload in claimed:
            handlers[job_type](json.loads(payload))
        ack(claimed)


class RawDjango(Program):
    """The loop and plain statements."""

    def version(self) -> str:
        """Return Django's."""
        return f"Django {version('Django')}"

    def prepare(self) -> None:
        """Make the table of the outbox."""
        django_site.migrate()

    def reset(self) -> None:
        """Forget all jobs."""
        rows.clear()

    def fill(self, count: int, seconds: float) -> None:
        """Store rows in SQL."""
        rows.insert_many(count, seconds=seconds)

    def enqueue(self, number: int) -> None:
        """INSERT and COMMIT, in autocommit as Django's users have it."""
        statement = f"INSERT INTO outbox_job ({rows.COLUMNS}) VALUES ({rows.values(payload='%s')})"
        django_site.execute(statement, (json.dumps(rows.as_json(number)),))

    def bulk(self, count: int) -> None:
        """INSERT many rows with Django's executemany in one transaction."""
        statement = f"INSERT INTO outbox_job ({rows.COLUMNS}) VALUES ({rows.values(payload='%s')})"
        payloads = [(json.dumps(rows.as_json(number)),) for number in range(1, count + 1)]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(statement, payloads)

    def work(self) -> None:
        """Run the loop that suits the database."""
        if connection.vendor == "postgresql":
            loop(lambda: claim_returning(POSTGRESQL_CLAIM), ack_postgresql)
        elif connection.vendor == "sqlite":
            now = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'now')"
            loop(lambda: claim_returning(SQLITE_CLAIM), lambda done: ack_by_number(done, now))
        else:
            loop(claim_mysql, lambda done: ack_by_number(done, "UTC_TIMESTAMP(6)"))


if __name__ == "__main__":
    main(RawDjango())
