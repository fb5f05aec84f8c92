"""
The raw limit without Django: psycopg on the table of the outbox.

Nothing is prepared: a plan that was made when the table was empty is kept, and reads the whole
table at each claim.

Options: ``batch``; ``listen`` to sleep until a NOTIFY comes instead of looking again and again.
"""

import json
import time
from importlib.metadata import version
from typing import Any

from psycopg import Connection, connect
from psycopg.rows import TupleRow

from benchmarks.programs import django_site, rows
from benchmarks.programs.protocol import OPTIONS, Program, conninfo, main, note
from benchmarks.programs.raw_django import POSTGRESQL_ACK, POSTGRESQL_CLAIM, WORKER

BATCH: int = OPTIONS.get("batch", 50)
LISTEN: bool = OPTIONS.get("listen", False)
CHANNEL = "opskit_bench"


class RawPsycopg(Program):
    """The loop and plain statements."""

    connection: Connection[TupleRow]

    def version(self) -> str:
        """Return psycopg's."""
        return f"psycopg {version('psycopg')}"

    def prepare(self) -> None:
        """Make the table of the outbox."""
        django_site.migrate()
        self.connection = connect(conninfo(), autocommit=True, prepare_threshold=None)
        self.insert = (
            f"INSERT INTO outbox_job ({rows.COLUMNS}) VALUES ({rows.values(payload='%s')})"
        ).encode()

    def reset(self) -> None:
        """Forget all jobs."""
        rows.clear()

    def fill(self, count: int, seconds: float) -> None:
        """Store rows in SQL."""
        rows.insert_many(count, seconds=seconds)
        self.connection.execute("SELECT PG_NOTIFY(%s, '')", (CHANNEL,))

    def enqueue(self, number: int) -> None:
        """INSERT and COMMIT; with ``listen`` also NOTIFY, in one transaction and round trip."""
        payload = json.dumps(rows.as_json(number))
        if LISTEN:
            with self.connection.pipeline(), self.connection.transaction():
                self.connection.execute(self.insert, (payload,))
                self.connection.execute("SELECT PG_NOTIFY(%s, '')", (CHANNEL,))
        else:
            self.connection.execute(self.insert, (payload,))

    def bulk(self, count: int) -> None:
        """COPY."""
        statement = f"COPY outbox_job ({rows.COLUMNS}) FROM STDIN".encode()
        with self.connection.transaction(), self.connection.cursor() as cursor:
            (now,) = cursor.execute("SELECT STATEMENT_TIMESTAMP()").fetchone() or (None,)
            with cursor.copy(statement) as copy:
                for number in range(1, count + 1):
                    payload = json.dumps(rows.as_json(number))
                    head = ("default", "BENCH", None, payload, "PENDING", 0, now, 0, 10)
                    copy.write_row((*head, "", None, "", 0, now, ""))

    def work(self) -> None:
        """Claim, run, report, for ever."""
        connection = connect(conninfo(), autocommit=True, prepare_threshold=None)
        if LISTEN:
            connection.execute(f"LISTEN {CHANNEL}".encode())
        while True:
            claimed: list[Any] = connection.execute(
                POSTGRESQL_CLAIM.encode(), (WORKER, BATCH)
            ).fetchall()
            if not claimed:
                self._wait(connection)
                continue
            for row in claimed:
                note(row[5]["n"])
            ids, numbers = [row[0] for row in claimed], [row[1] for row in claimed]
            connection.execute(POSTGRESQL_ACK.encode(), (ids, numbers, WORKER))

    def _wait(self, connection: Connection[TupleRow]) -> None:
        if not LISTEN:
            time.sleep(0.005)
            return
        for _ in connection.notifies(timeout=2.0, stop_after=1):
            pass


if __name__ == "__main__":
    main(RawPsycopg())
