"""Care for PostgreSQL."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from django.db import Error as DatabaseError

from django_opskit.masking import mask_text
from django_system_ops.services.optimizing.findings import Done, Finding, Note, Step, Wishes
from django_system_ops.services.optimizing.postgresql_advice import Advice
from django_system_ops.services.optimizing.statements import Server

__all__ = ["PostgreSQL"]

# Those that REINDEX CONCURRENTLY cannot make anew (constraints of exclusion, by the manual), and
# what an earlier one has left, are not among them.
_INDEXES = """
SELECT t.relname, i.relname
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relname = ANY(%s) AND pg_table_is_visible(t.oid) AND NOT x.indisexclusion
    AND (x.indisvalid OR i.relname !~ '_cc(new|old)[0-9]*$')
ORDER BY t.relname, i.relname
"""
_LEFTOVERS = """
SELECT i.oid, i.relname
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relname = %s AND pg_table_is_visible(t.oid) AND NOT x.indisvalid
    AND i.relname ~ '_cc(new|old)[0-9]*$'
"""
_SLOW = """
SELECT s.query, s.calls, s.mean_exec_time, s.total_exec_time, s.rows
FROM pg_stat_statements s
JOIN pg_database d ON d.oid = s.dbid
WHERE d.datname = current_database() AND s.query ~* '^\\s*(select|insert|update|delete|with)'
ORDER BY s.total_exec_time DESC
LIMIT %s
"""
_HOW_TO_GET_STATEMENTS = (
    "Slow queries: pg_stat_statements is not at work. Put it into shared_preload_libraries in "
    "postgresql.conf, start the server anew, and run CREATE EXTENSION pg_stat_statements; in "
    "this database."
)
_IDLE = """
SELECT pid, usename, application_name, client_addr::text, state,
    extract(epoch FROM clock_timestamp() - state_change),
    extract(epoch FROM clock_timestamp() - xact_start), state_change::text
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND state IN ('idle in transaction', 'idle in transaction (aborted)')
    AND state_change <= clock_timestamp() - make_interval(secs => %s)
ORDER BY state_change
"""
# The very wait that was seen: a session that has gone on since is nobody's orphan.
_TERMINATE = """
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE pid = %s AND state_change = %s::timestamptz
    AND state IN ('idle in transaction', 'idle in transaction (aborted)')
"""
_PREPARED = """
SELECT gid, owner, extract(epoch FROM clock_timestamp() - prepared)
FROM pg_prepared_xacts
WHERE database = current_database()
    AND prepared <= clock_timestamp() - make_interval(secs => %s)
ORDER BY prepared
"""


class PostgreSQL(Server):
    """Statistics, indexes, dead rows, sessions."""

    def plan(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Step | Note]:
        """Yield a statement for each table, and for each index."""
        for table in tables:
            name = self.quoted(table)
            if wishes.vacuum:
                yield Step("vacuum", table, table, f"VACUUM (ANALYZE) {name}")
            elif wishes.analyze or wishes.are_none:
                yield Step("analyze", table, table, f"ANALYZE {name}")
        if wishes.reindex:
            for table, index in self.rows(_INDEXES, list(tables)):
                sql = f"REINDEX INDEX CONCURRENTLY {self.quoted(index)}"
                yield Step("reindex", table, index, sql)

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Set lock_timeout for the session: VACUUM has no transaction for SET LOCAL."""
        before = self.value("SELECT current_setting('lock_timeout')")
        self._set_lock_timeout(f"{max(1, round(seconds * 1000))}ms")
        try:
            yield
        finally:
            with suppress(DatabaseError):
                self._set_lock_timeout(before)

    def run(self, step: Step) -> Iterator[Done | Finding]:
        """Run a step, and take away what a REINDEX that failed has left."""
        before = self._leftovers(step.table) if step.kind == "reindex" else {}
        with self._warnings() as warnings:
            done = self.done(step)
        if not done.error and warnings:
            # To lack the right is but a warning there, and the statement "succeeds".
            done = Done(step, done.seconds, " ".join(warnings))
        yield done
        if done.error and step.kind == "reindex":
            yield from self._tidied(step, before)

    def advice(self, wishes: Wishes, tables: Sequence[str]) -> Iterator[Finding | Note]:
        """Yield what is worth a look."""
        yield from Advice(self, wishes, list(tables)).all()

    def slow_queries(self, wishes: Wishes) -> Iterator[Finding | Note]:
        """Yield what took most of the time, by pg_stat_statements."""
        is_there = "SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'"
        is_loaded = "SELECT current_setting('pg_stat_statements.max', true)"
        if not self.value(is_there) or not self.value(is_loaded):
            yield Note(_HOW_TO_GET_STATEMENTS)
            return
        for query, calls, mean, total, rows in self.rows(_SLOW, wishes.most_queries):
            evidence = (
                f"{total / 1000:,.1f} s in {calls:,} calls, {mean:,.1f} ms each, {rows:,} rows"
            )
            yield Finding("slow_query", "", mask_text(" ".join(query.split()))[:400], evidence)

    def orphans(self, wishes: Wishes, *, dry_run: bool) -> Iterator[Finding | Done | Note]:
        """Yield sessions that are idle in a transaction, and prepared transactions."""
        seconds = wishes.idle_minutes * 60
        for pid, user, name, address, state, idle, age, since in self.rows(_IDLE, seconds):
            who = f"{user} from {address or 'the socket'}" + (f", {name}" if name else "")
            evidence = f"{state} for {idle / 60:,.1f} min, begun {age / 60:,.1f} min ago; {who}"
            sql = f"SELECT pg_terminate_backend({pid})"
            yield Finding("idle_transaction", "", f"session {pid}", evidence, f"{sql};")
            if wishes.terminate and not dry_run:
                yield self._terminated(Step("terminate", "", f"session {pid}", sql), pid, since)
        for gid, owner, age in self.rows(_PREPARED, seconds):
            # Whoever prepared it has promised somebody to commit: only they know.
            evidence = f"prepared {age / 60:,.1f} min ago by {owner}; never ended by this command"
            literal = gid.replace("'", "''")
            yield Finding(
                "prepared_transaction", "", gid, evidence, f"ROLLBACK PREPARED '{literal}';"
            )

    def _terminated(self, step: Step, pid: int, since: str) -> Done:
        try:
            found = self.rows(_TERMINATE, pid, since)
        except DatabaseError as error:
            return Done(step, 0.0, " ".join(str(error).split()))
        if found and not found[0][0]:
            return Done(step, 0.0, "the server could not send the signal")
        return Done(step, 0.0)  # without a row it has gone on meanwhile, or gone

    def _set_lock_timeout(self, value: str) -> None:
        self.rows("SELECT set_config('lock_timeout', %s, false)", value)

    def _leftovers(self, table: str) -> dict[int, str]:
        return dict(self.rows(_LEFTOVERS, table))

    def _tidied(self, step: Step, before: dict[int, str]) -> Iterator[Done | Finding]:
        """Drop the half-made index that this very REINDEX has left, and no other."""
        with suppress(DatabaseError):  # the connection may be what failed
            for oid, name in self._leftovers(step.table).items():
                # Names are cut to 63 bytes: the beginning alone is the index's own.
                stem = name.rpartition("_cc")[0]
                if oid in before or not stem or not step.object.startswith(stem):
                    continue
                sql = f"DROP INDEX CONCURRENTLY {self.quoted(name)}"
                dropped = self.done(Step("leftover", step.table, name, sql))
                yield dropped
                if dropped.error:
                    evidence = "left by the REINDEX that has just failed"
                    yield Finding("invalid_index", step.table, name, evidence, f"{sql};")

    @contextmanager
    def _warnings(self) -> Iterator[list[str]]:
        """Give the server's warnings during the block, once it is over."""
        found: list[str] = []
        self.connection.ensure_connection()
        driver: Any = self.connection.connection
        if not hasattr(driver, "add_notice_handler"):  # psycopg2
            driver.notices.clear()
            yield found
            found += [one.strip() for one in driver.notices if one.startswith("WARNING")]
            return

        def hear(notice: Any) -> None:
            if notice.severity_nonlocalized == "WARNING":
                found.append(notice.message_primary or "")

        driver.add_notice_handler(hear)
        try:
            yield found
        finally:
            driver.remove_notice_handler(hear)
